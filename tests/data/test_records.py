import logging

import pytest

from melanoma.config import TrainConfig, compose, resolve
from melanoma.data.records import COLUMNS, read_records
from melanoma.errors import DataError

ROW = "a,p1,male,50,torso,0"


def refusal(config) -> str:
    """The message of the error, which is one line and names the file."""
    with pytest.raises(DataError) as caught:
        read_records(config)
    message = str(caught.value)
    assert "\n" not in message
    assert "train.csv" in message
    return message


def test_a_row_becomes_canonical(write_csv):
    table = read_records(write_csv(ROW, "b,p2,,,,1"))
    assert tuple(table.columns) == COLUMNS
    assert table.loc[0, list(COLUMNS)].drop(["lesion_id", "fold"]).tolist() == [
        *("a", "p1", "male", 50.0, "torso", 0, "siim_isic")
    ]
    assert table.loc[1, ["sex", "age_approx", "anatom_site_general_challenge", "lesion_id"]].isna().all()
    assert [str(table[name].dtype) for name in ("image_name", "age_approx", "target")] == ["str", "float64", "Int64"]


def test_columns_beyond_the_canonical_ones_are_left_out(write_csv):
    table = read_records(write_csv(f"x,{ROW}", header="diagnosis," + "image_name,patient_id,sex,age_approx,"
                                   "anatom_site_general_challenge,target"))  # fmt: skip
    assert "diagnosis" not in table.columns


def test_no_file_tells_where_it_looked_and_how_the_data_set_is_obtained(configure):
    message = refusal(configure().data)
    for part in ("data.root=DIR", "SIIM-ISIC 2020 comes from Kaggle", "experiment=demo"):
        assert part in message


def test_missing_column_lists_what_was_found_and_the_way_out(write_csv):
    message = refusal(write_csv("a,p1,0", header="image_name,patient_id,target"))
    assert "no column 'sex'" in message
    assert "image_name, patient_id, target" in message
    assert "data.columns.sex=COLUMN, or null" in message


def test_a_column_named_null_is_missing_in_every_row(write_csv):
    overrides = ("data.columns.sex=null", "data.columns.age_approx=null")
    overrides += ("data.columns.anatom_site_general_challenge=null",)
    table = read_records(write_csv("a,p1,0", header="image_name,patient_id,target", overrides=overrides))
    assert table[["sex", "age_approx", "anatom_site_general_challenge"]].isna().all(axis=None)


def test_wrong_case_of_a_column_gives_the_near_name(write_csv):
    header = "image_name,Patient_ID,sex,age_approx,anatom_site_general_challenge,target"
    message = refusal(write_csv(ROW, header=header))
    assert "no column 'patient_id'; did you mean Patient_ID?" in message
    assert "data.columns.patient_id=COLUMN; if there is none, [image_name] lets each image be its own" in message
    table = read_records(write_csv(ROW, header=header, overrides=("data.columns.patient_id=Patient_ID",)))
    assert table["patient_id"].tolist() == ["p1"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ("a,p1,male,50,knee,0", "b,p2,male,50,torso,0", "c,p3,,50,,0", "d,p4,,,Shin,1"),
            "'knee' (further down 'shin')",
        ),
        (("a,p1,male,50,torso,nevus", "b,p2,male,50,torso,1", "c,p3,,,,mole"), "'nevus' (further down 'mole')"),
    ],
)
def test_all_words_that_nobody_has_mapped_are_told_at_once(write_csv, rows, words):
    assert words in refusal(write_csv(*rows))


def test_a_column_of_names_is_not_written_out(write_csv):
    assert "further down" not in refusal(write_csv(*(f"i{row},p{row},male,50,torso,name {row}" for row in range(30))))


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_empty_csv(tmp_path, configure, text):
    (tmp_path / "train.csv").write_text(text)
    assert "is empty; expected a header and a row an image" in refusal(configure().data)


def test_header_only_csv(write_csv):
    assert "has a header but no rows; expected a row an image" in refusal(write_csv())


def test_byte_order_mark_is_not_part_of_the_first_column(tmp_path, write_csv):
    config = write_csv(ROW)
    path = tmp_path / "train.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_records(config)["image_name"].tolist() == ["a"]


@pytest.mark.parametrize(("old", "new"), [("\n", "\r\n"), (",", ";"), (",", "\t"), (",", " , ")])
def test_crlf_and_other_separators_and_blanks_are_read_alike(tmp_path, write_csv, old, new):
    config = write_csv(ROW, "b,p2,,,,1")
    expected = read_records(config)
    path = tmp_path / "train.csv"
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    assert read_records(config).equals(expected)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_text_that_is_not_utf_8(tmp_path, write_csv, encoding):
    config = write_csv(ROW, "Müller,p2,,,,1")
    path = tmp_path / "train.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert "is not UTF-8 text; save it as CSV in UTF-8" in refusal(config)


@pytest.mark.parametrize(("rows", "line"), [([ROW + ",x", ROW], "line 2"), ([ROW, ROW + ",x"], "line 3")])
def test_a_row_longer_than_the_header(write_csv, rows, line):
    assert line in refusal(write_csv(*rows))


def test_a_row_shorter_than_the_header_has_blank_cells(write_csv):
    assert "line 3: target is ''" in refusal(write_csv(ROW, "b,p2"))


def test_ids_that_are_equal_as_numbers_stay_two_patients(write_csv):
    table = read_records(write_csv("001,001,,,,0", "01,01,,,,0", "1.0,1.0,,,,0", "NA,p,,,,0"))
    assert table["patient_id"].tolist() == ["001", "01", "1.0", "p"]
    assert table["image_name"].tolist() == ["001", "01", "1.0", "NA"]


@pytest.mark.parametrize("word", ["", "nan", "NA", "unknown"])
def test_blank_patient_id(write_csv, word):
    message = refusal(write_csv(ROW, f"b,{word},,,,1"))
    assert "line 3: patient_id is blank" in message
    assert "data.columns.patient_id=[patient_id,image_name]" in message


def test_blank_patient_id_can_stand_for_a_patient_of_its_own(write_csv):
    way_out = ("data.columns.patient_id=[patient_id,image_name]",)
    table = read_records(write_csv(ROW, "b,,,,,1", "c, ,,,,1", overrides=way_out))
    assert table["patient_id"].tolist() == ["p1", "b", "c"]


@pytest.mark.parametrize("word", ["yes", "1.0", "malignant", "2"])
def test_target_word_that_is_not_mapped(write_csv, word):
    message = refusal(write_csv(ROW, f"b,p2,,,,{word}"))
    assert f"line 3: target is '{word}'; expected one of 0, 1" in message
    way_out = f"+data.labels={{{word}: 1}}"
    assert f"'{way_out}'" in message
    assert read_records(write_csv(f"b,p2,,,,{word}", overrides=(way_out,)))["target"].tolist() == [1]


def test_target_word_mapped_by_one_label(write_csv):
    config = write_csv(ROW, "b,p2,,,,malignant", overrides=("+data.labels.malignant=1",))
    assert read_records(config)["target"].tolist() == [0, 1]


def test_blank_target(write_csv):
    assert "line 3: target is ''; expected one of 0, 1. Give every row a label" in refusal(write_csv(ROW, "b,p2,,,,"))


def test_a_label_that_is_neither_0_nor_1(write_csv):
    with pytest.raises(DataError, match=r"data\.labels\.maybe is 2; expected 0 or 1"):
        read_records(write_csv(ROW, overrides=("+data.labels.maybe=2",)))


@pytest.mark.parametrize("name", ["target", "patient_id"])
def test_a_column_that_does_not_exist_is_missing_everywhere(write_csv, name):
    table = read_records(write_csv(ROW, overrides=(f"data.columns.{name}={'null' if name == 'target' else '[]'}",)))
    assert table[name].isna().all()


ISIC_2019 = ("data=isic_2019", "data.csv=train.csv", "data.images.jpeg=images")


def one_hot(write_csv, *rows):
    header = "image,age_approx,anatom_site_general,lesion_id,sex,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
    return write_csv(*rows, header=header, overrides=(*ISIC_2019, "data.root=ROOT"))


def test_one_hot_labels_are_read_by_their_column(write_csv):
    table = read_records(
        one_hot(
            write_csv,
            "ISIC_1_downsampled,85,lateral torso,BCN_7,female,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0",
            "ISIC_2,,,,,0,0,0,0,0,0,0,1,0",
        )
    )
    assert table["target"].tolist() == [1, 0]
    assert table["image_name"].tolist() == ["ISIC_1", "ISIC_2"]
    assert table["patient_id"].tolist() == ["BCN_7", "ISIC_2"]
    assert table.loc[0, "anatom_site_general_challenge"] == "torso"


@pytest.mark.parametrize(
    "labels", ["0,0,0,0,0,0,0,0,0", "1,1,0,0,0,0,0,0,0", "x,1,0,0,0,0,0,0,0", "0.5,0.5,0,0,0,0,0,0,0"]
)
def test_one_hot_labels_need_exactly_one(write_csv, labels):
    message = refusal(one_hot(write_csv, f"ISIC_1,85,,L,female,{labels}"))
    assert "line 2: expected 1 in one of MEL, NV, BCC" in message


def test_ham10000_sites_become_the_six_and_the_word_unknown_is_missing(write_csv):
    places = ["scalp", "face", "abdomen", "hand", "foot", "acral", "genital", "unknown"]
    rows = [f"HAM_{row},ISIC_{row},mel,histo,50.0,unknown,{place}" for row, place in enumerate(places)]
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization"
    overrides = ("data=ham10000", "data.csv=train.csv", "data.root=ROOT")
    table = read_records(write_csv(*rows, header=header, overrides=overrides))
    assert table["anatom_site_general_challenge"].fillna("?").tolist() == [
        *("head/neck", "head/neck", "torso", "upper extremity", "lower extremity", "palms/soles", "oral/genital", "?")
    ]
    assert table["sex"].isna().all()
    assert (table["patient_id"] == table["lesion_id"]).all()


def test_a_fold_is_a_whole_number(write_csv):
    header = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,target,tfrecord"
    overrides = ("data.columns.fold=tfrecord",)
    table = read_records(write_csv(ROW + ",-1", "b,p2,,,,1,14", header=header, overrides=overrides))
    assert table["fold"].tolist() == [-1, 14]
    assert "line 3: tfrecord is '1.5'" in refusal(
        write_csv(ROW + ",0", "b,p2,,,,1,1.5", header=header, overrides=overrides)
    )


def test_repeated_image_of_the_same_target_is_dropped_with_a_warning(write_csv, caplog):
    table = read_records(write_csv(ROW, "b,p2,,,,1", ROW))
    assert table["image_name"].tolist() == ["a", "b"]
    assert [(record.levelno, "1 rows repeat an image" in record.message) for record in caplog.records] == [
        (logging.WARNING, True)
    ]


@pytest.mark.parametrize("other", ["a,p1,male,50,torso,1", "a,p2,male,50,torso,0"])
def test_repeated_image_of_another_target_or_patient(write_csv, other):
    message = refusal(write_csv(ROW, "b,p2,,,,1", other))
    assert "line 4: image a was there before with another target or patient; keep one of the rows" in message


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", ".", "a\\b", "a\0b", '"a\nb"', "", "  "])
def test_image_name_that_is_no_plain_file_name(write_csv, name):
    message = refusal(write_csv(ROW, f"{name},p2,,,,1"))
    assert "line 3: image_name is" in message
    assert "expected the name of a file without a folder" in message


@pytest.mark.parametrize("name", ["Läsion 7", "naïve=1", "病变", "a.b", "..."])
def test_image_names_with_unicode_spaces_and_equals_are_kept(write_csv, name):
    assert read_records(write_csv(f"{name},p1,,,,0"))["image_name"].tolist() == [name]


@pytest.mark.parametrize("age", ["-1", "200", "inf", "old"])
def test_age_out_of_range(write_csv, age):
    message = refusal(write_csv(ROW, f"b,p2,,{age},,1"))
    assert f"line 3: age_approx is '{age}'; expected 0 to 120 years, or blank" in message


@pytest.mark.parametrize("age", ["", "unknown", "NA", "NaN"])
def test_unknown_and_blank_age_are_missing(write_csv, age):
    assert read_records(write_csv(f"b,p2,,{age},,1"))["age_approx"].isna().tolist() == [True]


@pytest.mark.parametrize(("age", "years"), [("0", 0.0), ("120", 120.0), ("42.5", 42.5)])
def test_age_0_is_an_age(write_csv, age, years):
    assert read_records(write_csv(f"b,p2,,{age},,1"))["age_approx"].tolist() == [years]


@pytest.mark.parametrize("word", ["leftear", "left ear", "anterior/torso"])
def test_site_that_is_not_known_can_be_mapped(write_csv, word):
    message = refusal(write_csv(ROW, f"b,p2,,,{word},1"))
    assert f"line 3: anatom_site_general_challenge is '{word}'; expected one of head/neck, upper" in message
    assert f"'+data.sites={{{word}: ONE OF THEM}}'" in message
    for site in ("head/neck", "oral/genital"):
        config = write_csv(f"b,p2,,,{word.upper()},1", overrides=(f"+data.sites={{{word}: {site}}}",))
        assert read_records(config)["anatom_site_general_challenge"].tolist() == [site]


def test_site_mapped_to_nothing_is_missing(write_csv):
    config = write_csv("b,p2,,,elsewhere,1", overrides=("+data.sites={elsewhere: ''}",))
    assert read_records(config)["anatom_site_general_challenge"].isna().all()


def test_site_mapped_to_a_word_that_is_no_site(write_csv):
    with pytest.raises(DataError, match=r"data\.sites\.ear is 'ears'; expected one of head/neck"):
        read_records(write_csv(ROW, overrides=("+data.sites={ear: ears}",)))


@pytest.mark.parametrize(
    ("word", "sex"), [("M", "male"), ("F", "female"), ("Female", "female"), ("m", "male"), ("male", "male")]
)
def test_sexes_may_be_letters(write_csv, word, sex):
    assert read_records(write_csv(f"b,p2,{word},,,1"))["sex"].tolist() == [sex]


def test_sex_that_is_not_known(write_csv):
    message = refusal(write_csv(ROW, "b,p2,x,,,1"))
    assert "line 3: sex is 'x'; expected one of male, female" in message
    assert "'+data.sexes={x: ONE OF THEM}'" in message


def test_ham10000_words_are_mapped(tmp_path):
    (tmp_path / "HAM10000_metadata.csv").write_text(
        "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
        "HAM_1,ISIC_1,mel,histo,80.0,male,scalp\n"
        "HAM_1,ISIC_2,mel,histo,80.0,male,back\n"
        "HAM_2,ISIC_3,nv,histo,,unknown,unknown\n"
        "HAM_3,ISIC_4,akiec,histo,0.0,female,upper extremity\n"
    )
    config = resolve(compose("train", ["data=ham10000", f"data.root={tmp_path}"]), TrainConfig).data
    table = read_records(config)
    sites = table["anatom_site_general_challenge"]
    assert sites.fillna("?").tolist() == ["head/neck", "torso", "?", "upper extremity"]
    assert table["target"].tolist() == [1, 1, 0, 0]
    assert table["patient_id"].tolist() == ["HAM_1", "HAM_1", "HAM_2", "HAM_3"]
    assert table["sex"].isna().tolist() == table["age_approx"].isna().tolist() == [False, False, True, False]
