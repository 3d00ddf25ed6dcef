"""The house: what holds whatever the product does."""
