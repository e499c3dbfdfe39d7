"""How bytes leave: answers, header lists, SSE frames, and the one place that sends them."""
