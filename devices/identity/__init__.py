"""Who the portal is, who its clients are, and how both prove it to each other."""
