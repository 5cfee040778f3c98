"""Serving: models that answer over HTTP what `predict` answers, with bounded time and memory."""
