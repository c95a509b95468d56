"""The whole bundle on one machine: emulated AWS, the unmodified template and the gateway simulator, all on loopback."""
