"""`rapidserve share` and `link`."""

import httpx2
import pytest

from desk import Desk
from tests.e2e.conftest import Server, run_manage

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def bob(server: Server) -> None:
    made = run_manage(server.home, "create_user", "bob", "--generate")
    assert made.returncode == 0, made.stderr


@pytest.fixture
def film(desk: Desk, place: str) -> str:
    desk.write("a.bin", b"12345")
    desk.ok("put", "a.bin", f"{place}/")
    return place


def test_a_role_is_given_listed_and_taken_back(desk: Desk, film: str) -> None:
    desk.ok("share", film, "Bob", "--role", "editor", "--until", "2031-03-31")

    owner, bob = desk.ok("share", film).splitlines()
    assert owner.split()[:3] == ["owner", "user", "alice"]
    assert bob.split() == ["editor", "user", "bob", "until", "2031-03-31T23:59:59Z"]
    assert desk.run("share", f"{film}/a.bin", "--json").json()[1]["inherited"] is True
    desk.ok("share", film, "bob", "--remove")
    assert len(desk.ok("share", film).splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nobody"], 4),
        (["bob", "--role", "king"], 2),
        (["bob", "--until", "tomorrow"], 2),
        (["bob", "--until", "2020-01-01"], 1),
        (["bob", "--remove"], 4),
        (["alice"], 1),
        (["--remove"], 2),
    ],
)
def test_what_can_not_be_is_told(desk: Desk, film: str, arguments: list[str], code: int) -> None:
    done = desk.run("share", film, *arguments)

    assert (done.code, done.out) == (code, "")
    assert done.err


def test_a_link_is_printed_works_and_is_revoked(desk: Desk, film: str) -> None:
    url = desk.ok("link", f"{film}/a.bin", "--downloads", "1", "--until", "2031-03-31").strip()
    address, token = url.rsplit("/s/", 1)

    grant = httpx2.post(f"{address}/api/s/{token}/grant", json={}).json()["grant"]
    seen = httpx2.get(f"{address}/api/s/{token}").json()
    content = httpx2.get(
        f"{address}/api/files/{seen['entry']['id']}/content",
        headers={"Authorization": f"Bearer {grant}"},
        follow_redirects=True,
    )

    assert content.content == b"12345"
    [listed] = desk.ok("link", f"{film}/a.bin", "--list").splitlines()
    assert listed.split()[1:] == ["download", url]
    desk.ok("link", f"{film}/a.bin", "--revoke", listed.split()[0])
    assert httpx2.get(f"{address}/api/s/{token}").status_code == 410


def test_a_password_comes_by_standard_input(desk: Desk, film: str) -> None:
    url = desk.ok("link", film, "--password-stdin", stdin="open sesame\n").strip()
    address, token = url.rsplit("/s/", 1)

    def grant(password: str) -> int:
        body = {"password": password}
        return httpx2.post(f"{address}/api/s/{token}/grant", json=body).status_code

    assert (grant("wrong"), grant("open sesame")) == (403, 201)


def test_an_upload_link_leads_to_a_folder(desk: Desk, film: str) -> None:
    assert "/s/" in desk.ok("link", film, "--role", "upload")
    done = desk.run("link", f"{film}/a.bin", "--role", "upload")
    assert (done.code, done.out) == (1, "")
