"""Packages in the older envelope, which were written before today's rules."""

import pytest

from applications.package import parse
from tests.applications.descriptions import GOOD, older, refusal, warnings


class TestTheOlderEnvelope:
    def test_is_read(self) -> None:
        package = parse(older())
        assert (package.api_version, package.app_id) == ("margo.org/v1-alpha1", "com-example-mixer")
        assert package.warnings == ()

    def test_may_have_its_id_in_the_metadata(self) -> None:
        raw = older(
            ("id: com-example-mixer\n", ""), ("  name: Mixer", "  id: mixer\n  name: Mixer")
        )
        assert parse(raw).app_id == "mixer"
        assert parse(raw).warnings == ()

    def test_may_not_have_two_ids(self) -> None:
        raw = older(("  name: Mixer", "  id: mixer\n  name: Mixer"))
        assert "differs from the id at the top of the file." in refusal(raw)

    def test_may_have_an_id_with_dots_which_become_dashes(self) -> None:
        raw = older(("id: com-example-mixer", "id: com.example.mixer"))
        assert parse(raw).app_id == "com-example-mixer"
        (warning,) = warnings(raw)
        assert warning.startswith("Line 3, id: has dots, which ids no longer may;")

    def test_may_not_have_an_id_that_no_reading_makes_valid(self) -> None:
        assert "lower-case letters" in refusal(older(("id: com-", "id: Com.")))

    @pytest.mark.parametrize(
        ("word", "today"), [("helm.v3", "helm"), ("docker-compose", "compose")]
    )
    def test_may_use_older_words_for_types(self, word: str, today: str) -> None:
        raw = older(("type: compose", f"type: {word}"))
        assert parse(raw).profiles[0].type == today
        assert warnings(raw) == [
            f'Line 25, deploymentProfiles[0].type: "{word}" is the older word for "{today}".'
        ]

    def test_may_name_a_place_that_no_device_of_today_can_fetch_from(self) -> None:
        raw = older(
            ("repository: oci://registry.example.com/mixer", "packageLocation: https://x.test/c"),
            ("          revision: 1.2.3\n", ""),
        )
        (profile,) = parse(raw).profiles
        assert profile.problem == (
            "The component mixer names no repository in a registry, "
            "so no device of today can fetch it."
        )
        assert profile.components[0].properties["packageLocation"] == "https://x.test/c"
        assert "packageLocation" in warnings(raw)[0]

    def test_has_its_required_resources_read_as_constraints(self) -> None:
        start, end = GOOD.index("    deviceConstraints"), GOOD.index("    x-example-profile")
        resources = (
            "    requiredResources:\n"
            "      cpu: {cores: 1, architectures: [amd64, x86_64, mips]}\n"
            "      memory: 512Mi\n"
            "      peripherals: [{type: display}]\n"
        )
        raw = older((GOOD[start:end], resources))
        assert parse(raw).profiles[0].device_constraints == {
            "capacityRequirements": {
                "cpu": {"cores": 1, "architectures": ["amd64"]},
                "memory": "512Mi",
            }
        }
        assert [warning.split(": ", 1)[0].split(".")[-1] for warning in warnings(raw)] == [
            "requiredResources",
            "architectures",
            "peripherals",
        ]

    def test_may_break_younger_rules_that_do_no_harm(self) -> None:
        raw = older(("revision: 1.2.3", "revision: latest"), ("- name: mixer", "- name: org.mixer"))
        assert len(warnings(raw)) == 4
        assert parse(raw).profiles[0].components[0].properties["revision"] == "latest"
