import pytest

from melanoma.data.readers.folder import Folder
from melanoma.errors import DataError


def files(root, path, ending=""):
    return Folder(root, path, [".jpg", ".png"], "data.images.jpeg", ending).files()


def test_names_come_with_and_without_suffix_and_ending(tmp_path):
    (tmp_path / "a_small.jpg").touch()
    assert files(tmp_path, tmp_path, "_small") == dict.fromkeys(["a", "a_small", "a_small.jpg"], "a_small.jpg")


def test_folders_below_are_searched_too(tmp_path):
    for name in ("part_1/a.jpg", "part_2/deep/b.jpg", "c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = files(tmp_path, tmp_path)
    assert (found["a"], found["b"], found["c"]) == ("part_1/a.jpg", "part_2/deep/b.jpg", "c.png")


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    for name in ("a.jpg", "._a.jpg", ".small/a.jpg", "__MACOSX/._a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files(tmp_path, tmp_path) == dict.fromkeys(["a", "a.jpg"], "a.jpg")


def test_two_files_of_one_name_are_refused_without_naming_their_folders(tmp_path):
    for name in ("DOE^JANE/a.jpg", "DOE^JOHN/a.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"two files in folders below data\.images\.jpeg are called a\.jpg") as caught:
        files(tmp_path, tmp_path)
    assert "DOE" not in str(caught.value)


def test_folder_that_is_not_there_is_named_with_its_option(tmp_path):
    with pytest.raises(DataError, match=r"looked for the folder .*none; give data\.root=DIR.* data\.images\.jpeg="):
        files(tmp_path, tmp_path / "none")


@pytest.fixture
def places(tmp_path):
    """A data set's root with an image in its folder, and a folder beside it with another."""
    for name in ("root/images", "outside"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.png").touch()
    return tmp_path / "root", tmp_path / "outside"


def test_file_link_that_leaves_the_root(places):
    root, outside = places
    (root / "images" / "b.png").symlink_to(outside / "a.png")
    with pytest.raises(DataError, match=r"b\.png is a link that leaves data\.root; .*set data\.root"):
        files(root, root / "images")


def test_folder_link_that_leaves_the_root(places):
    root, outside = places
    (root / "more").symlink_to(outside)
    for folder in (root / "more", root / "images" / ".." / ".." / "outside"):
        with pytest.raises(DataError, match=r"leaves data\.root; .*set data\.root"):
            files(root, folder)


def test_links_within_the_root_and_a_root_that_is_a_link_are_followed(places):
    root, outside = places
    (root / "images" / "b.png").symlink_to(root / "images" / "a.png")
    (outside / "link").symlink_to(root)
    (root / "more").symlink_to(root / "images")
    for folder in ("images", "more"):
        assert {"a", "b"} <= files(outside / "link", outside / "link" / folder).keys()
