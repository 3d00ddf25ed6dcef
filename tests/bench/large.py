"""A process that makes a deployment for a whole fleet and waits until all of it is released."""

import sys


def main(size: int) -> None:
    """As the web server would do it, while the workers release it."""
    import django

    django.setup()
    from deployments.models import Instance
    from deployments.states import State
    from tests.bench import fleet, reaction
    from tests.deployments import plant

    made = fleet.start(fleet.draft(plant.a_version(app_id=f"large-{size}"), fleet.everybody(size)))
    queued = Instance.objects.filter(deployment=made, state=State.QUEUED)
    reaction.until(lambda: not queued.exists(), "the release of all devices")


if __name__ == "__main__":
    main(int(sys.argv[1]))
