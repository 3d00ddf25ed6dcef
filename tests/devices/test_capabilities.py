"""A device tells what it is, over a real mutual-TLS connection."""

from tests.wire import Wire


def body(path="x", **properties):
    return {
        "properties": {
            "id": path,
            "vendor": "Acme",
            "modelNumber": "M1",
            "serialNumber": "1",
            **properties,
        }
    }


def test_first(wire: Wire):
    with wire.client("line-4") as client:
        assert client.put("/api/v1/capabilities/x", json=body()).status_code == 201
        assert client.put("/api/v1/capabilities/x", json=body()).status_code == 200
        r = client.delete("/api/v1/capabilities/x")
        assert r.status_code == 204, r.text
