"""How good an answer is, how sure one may be of that, and when not to answer."""
