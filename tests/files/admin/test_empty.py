"""An installation in which nothing is stored yet."""


def test_the_first_page_says_so(as_owner):
    assert "There are none yet." in as_owner.get("/admin/").content.decode()
