"""From files to pins or requirements."""
