"""The shell: settings, addresses, the portal's frame; it knows the apps, they do not know it."""
