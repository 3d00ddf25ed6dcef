"""A description that is right in every respect, for tests to spoil in one."""

import pytest

from applications.package import PackageError, parse

GOOD = """\
apiVersion: v1
id: com-example-mixer
metadata:
  name: Mixer
  version: 1.10
  description: Mixes.
  catalog:
    application:
      icon: ./resources/icon.svg
      tagline: It mixes
      descriptionFile: ./resources/description.md
      licenseFile: ./resources/license.txt
      releaseNotes: ./resources/release-notes.md
      site: https://example.com
      tags: [mixing]
    author:
      - name: Ada Example
        email: ada@example.com
    organization:
      - name: Example Works
        site: https://example.com
deploymentProfiles:
  - id: mixer-compose
    type: compose
    description: In a container.
    components:
      - name: mixer
        properties:
          repository: oci://registry.example.com/mixer
          revision: 1.2.3
          wait: false
          timeout: 8m30s
        x-example-component-extensions: {a: 1}
    deviceConstraints:
      capacityRequirements:
        cpu: {cores: 1.5, architectures: [amd64]}
        memory: 59 Gi
        storage: 1Ti
      eligibilityRules:
        - propertySelector:
            matchExpressions:
              - {key: /vendor, operator: NotIn, values: [Acme]}
              - key: /peripherals
                operator: ContainsAny
                itemSelector:
                  matchExpressions: [{key: /type, operator: In, values: [gpu]}]
          labelSelector:
            matchExpressions:
              - {key: line, operator: Gt, values: ["3"]}
              - {key: spare, operator: DoesNotExist}
    x-example-profile-extensions: {b: [2, three]}
parameters:
  speed:
    value: 30
    targets:
      - {pointer: SPEED, components: [mixer]}
  mode:
    targets:
      - {pointer: MODE, components: [mixer]}
configuration:
  sections:
    - name: General
      settings:
        - {parameter: speed, name: Speed, description: How fast., schema: speed}
        - {parameter: mode, name: Mode, immutable: true, schema: mode}
  schema:
    - {name: speed, dataType: integer, minValue: 10, maxValue: 60, allowEmpty: false}
    - {name: mode, dataType: string, options: [1.10, fast], allowEmpty: true}
x-example-wfm-extensions: {c: true}
"""


def described(*changes: tuple[str, str]) -> bytes:
    """The good description with each first text replaced by the second, which must be there."""
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def older(*changes: tuple[str, str]) -> bytes:
    """The same in the older envelope."""
    envelope = "apiVersion: margo.org/v1-alpha1\nkind: ApplicationDescription\n"
    return described(("apiVersion: v1\n", envelope), *changes)


def refusal(raw: bytes) -> str:
    """The sentence with which the parser refuses these bytes."""
    with pytest.raises(PackageError) as refused:
        parse(raw)
    return str(refused.value)


def warnings(raw: bytes) -> list[str]:
    """What the parser has to say about a description that it reads."""
    return [str(warning) for warning in parse(raw).warnings]
