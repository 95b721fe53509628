"""The sub-commands of ``panoradar``, one module each; nothing but the command line imports them."""
