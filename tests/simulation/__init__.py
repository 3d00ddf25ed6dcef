"""The rollout engine against a virtual clock, a modelled fleet, restless operators and dying
processes: every seed is a list of steps, and after each of them all rules hold."""
