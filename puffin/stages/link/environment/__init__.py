"""Virtual environments and other targets of an installation."""
