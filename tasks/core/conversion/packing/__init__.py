"""The shipped variant -> the engine model's folder."""
