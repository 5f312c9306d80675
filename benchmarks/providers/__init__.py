"""The OpenID providers that `openid.py` measures, each in a process and a database of its own (`worker.py`)."""
