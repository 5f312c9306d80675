"""Sessions and devices: where they are kept, which browser they are bound to, when they end, and which pages need
one."""
