"""The ways in which texts are drawn, a module each; all return first draws, which are thinned in one way."""
