"""Who may come in, and what is written of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foveal.serving.door import Door, host_of
from support.sites import JPEG, png

TOKEN = "a-token-of-some-length"
ROUTES = [
    ("GET", "/v2"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/v2/models/abc"),
    ("GET", "/v2/models/abc/ready"),
    ("POST", "/v2/models/abc/infer"),
    *(("POST", f"/v1/models/abc/{what}") for what in ("predict", "encode", "anomaly", "similar")),
    ("POST", "/v1/models/coder/decode"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/"),
    ("GET", "/nothing"),
]
HOSTILE = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "evil.example/localhost",
    "localhost:80:80",
    "localhost:x",
    "10.0.0.1",
    "[fe80::1]",
    "::1",
    "0.0.0.0",
    "",
    " ",
    "localhost, evil.example",
]


HOSTS = ["localhost", "localhost:1", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"]


def test_a_host_that_is_not_this_one_is_refused_on_every_route(site) -> None:
    asked = [(*one, {"host": host}) for one in ROUTES for host in HOSTILE]
    for answer, (_, path, headers) in zip(site().ask_all(asked), asked, strict=True):
        assert answer.status_code == 421, (path, headers)
    asked = [(*one, {"host": host}) for one in ROUTES for host in HOSTS]
    for answer, (_, path, headers) in zip(site().ask_all(asked), asked, strict=True):
        assert answer.status_code not in (421, 403), (path, headers)


def test_a_page_of_another_site_is_refused_on_every_route(site) -> None:
    origins = ["http://evil.example", "null", "http://localhost:9", "file://", "localhost:8000"]
    foreign = [{"origin": one} for one in origins]
    foreign += [{"sec-fetch-site": one} for one in ("cross-site", "same-site", "")]
    asked = [(*one, headers) for one in ROUTES for headers in foreign]
    for answer, (_, path, headers) in zip(site().ask_all(asked), asked, strict=True):
        assert answer.status_code == 403, (path, headers)
    own = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    for answer in site().ask_all([(*one, own) for one in ROUTES]):
        assert answer.status_code != 403


def test_a_token_is_asked_for_on_every_route_but_liveness(site) -> None:
    made = site(door=Door(token=TOKEN))
    wrong = ["", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN]
    asked = [(*one, {"authorization": said} if said else {}) for one in ROUTES for said in wrong]
    for answer, (_, path, headers) in zip(made.ask_all(asked), asked, strict=True):
        assert (answer.status_code == 401) == (path != "/v2/health/live"), (path, headers)
    assert answer.headers["www-authenticate"] == "Bearer"
    for kind in ("Bearer", "bearer"):
        right = {"authorization": f"{kind} {TOKEN}"}
        assert made.ask("GET", "/v2", headers=right).status_code == 200
    assert TOKEN not in repr(made.guard.door) and TOKEN not in "".join(made.lines)


def test_other_addresses_and_names_are_taken_where_they_are_this_servers() -> None:
    door = Door(loopback=False, hosts=frozenset({"vision.example"}), token=TOKEN)
    right = {b"authorization": [f"Bearer {TOKEN}".encode()]}
    for host in ("10.0.0.1:8000", "vision.example", "VISION.example:80", "[fe80::1]"):
        assert door.refusal("/v2", {**right, b"host": [host.encode()]}) is None, host
    for host in ("vision.example.org", "other"):
        refusal = door.refusal("/v2", {**right, b"host": [host.encode()]})
        assert refusal is not None and refusal.status == 421
    twice = door.refusal("/v2", {**right, b"host": [b"10.0.0.1", b"10.0.0.1"]})
    assert twice is not None and twice.status == 421


def test_a_body_of_two_lengths_is_refused_for_what_follows_it_could_pass_for_a_request() -> None:
    head = {b"host": [b"localhost"], b"content-length": [b"4"]}
    assert Door().refusal("/v2", head) is None
    refusal = Door().refusal("/v2", {**head, b"transfer-encoding": [b"chunked"]})
    assert refusal is not None and refusal.status == 400


@given(st.text(max_size=40))
def test_a_host_is_a_name_or_nothing(header: str) -> None:
    name = host_of(header)
    assert name == "" or header.lower().lstrip("[").startswith(name)
    assert not set(name) & set("/@\\ ,[]")


def test_a_line_of_log_says_nothing_of_what_was_sent(site) -> None:
    made = site()
    secret = "very-secret-name"
    made.ask("POST", f"/v1/models/abc/predict?q={secret}", content=png(), headers=JPEG)
    parts = [("x", (f"{secret}.png", png()))]
    made.ask("POST", "/v1/models/abc/predict", files=parts, headers={"user-agent": secret})
    made.ask("GET", f"/v2/models/{secret}")
    made.ask("GET", f"/{secret}", headers={"host": secret})
    assert secret not in "".join(made.lines)
    one = made.log[0]
    assert (one["method"], one["route"]) == ("POST", "/v1/models/{name}/predict")
    assert (one["model"], one["status"]) == ("abc", 200)
    assert one["bytes"] > 50 and 0 < one["seconds"] < 30
    assert [one["status"] for one in made.log] == [200, 200, 404, 421]
    counts = made.ask("GET", "/metrics").text
    assert secret not in counts
    line = 'foveal_requests_total{route="/v1/models/{name}/predict",status="200"} 2.0'
    assert line in counts and "foveal_batch_pictures_count 2.0" in counts


def test_every_answer_forbids_to_be_guessed_at_and_kept(site) -> None:
    made = site()
    for answer in made.ask_all([(*one, {}) for one in ROUTES]):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_while_it_drains_a_server_says_so_and_still_answers(site) -> None:
    made = site()
    assert made.ask("GET", "/v2/health/ready").json() == {"ready": True, "notes": []}
    made.guard.draining = True
    ready = made.ask("GET", "/v2/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    answer = made.ask("POST", "/v1/models/abc/predict", content=png(), headers=JPEG)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert made.ask("GET", "/v2/health/live").status_code == 200


def test_a_full_server_refuses_before_it_looks_at_a_request_but_not_before_the_door(site) -> None:
    made = site(queue=2, door=Door(token=TOKEN))
    known = {"authorization": f"Bearer {TOKEN}", **JPEG}
    made.resources.room.pictures = 2
    path = "/v1/models/abc/predict"
    for wrong, status in (
        ({**known, "host": "evil.example"}, 421),
        ({**known, "origin": "http://evil.example"}, 403),
        (JPEG, 401),
        (known, 503),
    ):
        answer = made.ask("POST", path, content=png(), headers=wrong)
        assert answer.status_code == status
    assert answer.headers["retry-after"] == "1" and "connection" not in answer.headers
    assert answer.json()["came"] == "2 pictures before yours"
    for method, open_, status in (
        ("GET", "/v2/health/ready", 200),
        ("GET", "/v2/models/abc", 200),
        ("GET", path, 405),
        ("POST", "/v1/models/nobody/predict", 404),
    ):
        assert made.ask(method, open_, headers=known).status_code == status
    made.resources.room.pictures = 1
    assert made.ask("POST", path, content=png(), headers=known).status_code == 200
    facts = made.log[3]
    assert (facts["route"], facts["status"]) == ("/v1/models/{name}/predict", 503)
    counts = made.ask("GET", "/metrics", headers=known).text
    assert 'foveal_requests_total{route="/v1/models/{name}/predict",status="503"} 1.0' in counts
