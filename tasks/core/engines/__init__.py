"""An engine model: its folder, its runtime, its canaries, its logits."""
