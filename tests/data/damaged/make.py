"""Makes the damaged files of this folder; see README.md for what made which.

Run it in this folder, with pandas and openpyxl installed and `soffice` on the
path: python3 make.py
"""

import datetime
import json
import pathlib
import subprocess
import tempfile

import openpyxl
import pandas as pd

HEADER = [
    "publisher-item-identifier",
    "ad-network-identifier",
    "source-identifier",
    "advertised-item-identifier",
]
NETWORK = "example123.adattributionkit"
ROWS = [[5838492, NETWORK, 5200 + n, 1108187390 + n] for n in range(12)]
TIMES = [1719599957239 + 1000 * n for n in range(12)]


def frame():
    return pd.DataFrame(ROWS, columns=HEADER)


def holed():
    """One empty cell makes a column of floats."""
    rows = frame()
    rows.loc[11, "advertised-item-identifier"] = None
    return rows


def timed():
    rows = frame()
    rows["timestamp"] = pd.to_datetime(TIMES, unit="ms")
    return rows


def by_pandas():
    holed().to_csv("pandas_empty_cell.csv", index=False)
    holed().to_json("pandas_empty_cell.ndjson", orient="records", lines=True)
    filled = frame()
    filled["advertised-item-identifier"] = filled["advertised-item-identifier"].astype(float)
    filled.to_csv("pandas_floats.csv", index=False)
    holed().astype(str).to_csv("pandas_astype_str.csv", index=False)
    holed().astype({"advertised-item-identifier": "Int64"}).to_csv(
        "pandas_na_rep.csv", index=False, na_rep="<NA>"
    )
    frame().to_csv("pandas_index.csv")
    timed().to_csv("pandas_datetimes.csv", index=False)
    stamps = timed()
    stamps["timestamp"] = stamps["timestamp"].astype("datetime64[ns]").astype("int64")
    stamps.to_csv("pandas_nanoseconds.csv", index=False)
    stamps["timestamp"] = stamps["timestamp"].astype(float)
    stamps.to_csv("pandas_float_nanoseconds.csv", index=False)
    stamps["timestamp"] = timed()["timestamp"].astype("datetime64[us]").astype("int64")
    stamps.to_csv("pandas_microseconds.csv", index=False)
    large = frame()
    large["advertised-item-identifier"] = float(2**53 + 2)
    large.to_csv("pandas_rounded.csv", index=False)
    frame().to_csv("utf16.csv", index=False, encoding="utf-16")
    frame().to_csv("utf16_no_mark.csv", index=False, encoding="utf-16-le")
    frame().to_csv("semicolons.csv", index=False, sep=";")
    noted = frame()
    noted["note"] = ["Zürich"] * 3 + ["Bern"] * 9
    noted.to_csv("windows_1252.csv", index=False, encoding="cp1252")
    noted.rename(columns={"note": "Größe"}).to_csv(
        "windows_1252_header.csv", index=False, encoding="cp1252"
    )
    records = holed().to_dict(orient="records")
    write("python_nan.ndjson", (json.dumps(row) for row in records))
    write("python_str.ndjson", (str(row) for row in records))
    pathlib.Path("json_array.ndjson").write_text(
        json.dumps(frame().to_dict(orient="records"), indent=2) + "\n"
    )


def write(name, lines):
    pathlib.Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def workbook(change):
    """A workbook of the rows, in which `change` has its way with each cell of a column."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADER)
    for row in ROWS:
        sheet.append(row)
    for letter in "ABCD":
        sheet.column_dimensions[letter].width = 40
    change(sheet)
    return book


def saved(name, change, language="1033", delimiter=44, shown="true"):
    """The workbook as LibreOffice saves it as CSV, cells as shown."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        workbook(change).save(path / "rows.xlsx")
        # Delimiter, quote, UTF-8, first line, columns, language, quote all
        # text, detect numbers or save as shown.
        options = f"{delimiter},34,76,1,,{language},false,{shown}"
        subprocess.run(
            ["soffice", "--headless", "--convert-to",
             f"csv:Text - txt - csv (StarCalc):{options}", "--outdir", folder,
             str(path / "rows.xlsx")],
            check=True, capture_output=True,
        )
        pathlib.Path(name).write_bytes((path / "rows.csv").read_bytes())


def reopened(name, lines, language="1033"):
    """Lines of CSV as LibreOffice saves them once it has opened them."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "out").mkdir()
        (path / "rows.csv").write_text("".join(f"{line}\n" for line in lines))
        subprocess.run(
            ["soffice", "--headless",
             f"--infilter=Text - txt - csv (StarCalc):44,34,76,1,,{language},false,true",
             "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,false,true",
             "--outdir", str(path / "out"), str(path / "rows.csv")],
            check=True, capture_output=True,
        )
        pathlib.Path(name).write_bytes((path / "out" / "rows.csv").read_bytes())


def each(column, value=None, number_format=None):
    def change(sheet):
        for n, (cell,) in enumerate(sheet.iter_rows(min_row=2, min_col=column, max_col=column)):
            if value is not None:
                cell.value = value(n)
            if number_format is not None:
                cell.number_format = number_format
    return change


def by_libreoffice():
    saved("libreoffice_scientific.csv", each(4, number_format="0.00E+00"))
    saved("libreoffice_thousands.csv", each(4, number_format="#,##0"))
    saved("libreoffice_thousands_de.csv", each(4, number_format="[$-407]#,##0"), "1031", 59)
    saved("libreoffice_decimals.csv", each(4, number_format="0.00"))
    saved("libreoffice_errors.csv", each(4, value=lambda n: "=NA()" if n % 2 else "=1/0"))
    day = datetime.date(2039, 9, 1)
    saved("libreoffice_dates.csv", each(3, value=lambda n: day, number_format="mmm-yy"))
    lines = [",".join(HEADER)]
    lines += [f"{a},{b},{c % 12 + 1}/{n + 1},{d}" for n, (a, b, c, d) in enumerate(ROWS)]
    reopened("libreoffice_reopened.csv", lines)


def by_hand():
    """What Excel, browsers, jq and editors are documented to do."""
    def csv(name, cells, header=HEADER, first=()):
        lines = [*first, ",".join(header)]
        lines += [",".join(map(str, cells(*row))) for row in ROWS]
        write(name, lines)

    csv("excel_scientific.csv", lambda a, b, c, d: [a, b, c, "1.10819E+09"])
    csv("excel_errors.csv", lambda a, b, c, d: [a, b, "#REF!", "#N/A"])
    csv("excel_dates.csv", lambda a, b, c, d: [a, b, "Sep-39", d])
    csv("excel_split.csv", lambda a, b, c, d: [a, b, c, f"{d:,}"])
    csv("excel_narrow.csv", lambda a, b, c, d: [a, b, c, "#######"])
    csv("excel_text_mark.csv", lambda a, b, c, d: [a, b, c, f"'{d}"])
    csv("excel_serial.csv", lambda a, b, c, d: [a, b, c, d, 45471.777282], [*HEADER, "timestamp"])
    write("excel_sep.csv", ["sep=;", ";".join(HEADER)]
          + [";".join(map(str, row)) for row in ROWS])
    write("excel_whole_rows.csv", [",".join(HEADER)]
          + ['"' + ",".join(map(str, row)) + '"' for row in ROWS])
    csv("curly_quotes.csv", lambda a, b, c, d: [a, f"“{b}”", c, d])
    csv("no_break_space.csv", lambda a, b, c, d: [a, b, c, f"{d}\u00a0"])
    csv("invisible.csv", lambda a, b, c, d: [a, b, f"{c // 100}\u200b{c % 100:02}", d])
    csv("thin_spaces.csv", lambda a, b, c, d: [a, b, c, f"{d:,}".replace(",", "\u202f")])
    csv("leading_zeros.csv", lambda a, b, c, d: [a, b, f"{c:08}", d])
    csv("mojibake.csv", lambda a, b, c, d: [a, "exÃ¤mple.adattributionkit", c, d])
    csv("null_words.csv", lambda a, b, c, d: [a, b, c, "NULL" if d % 2 else "None"])
    # JSON.stringify(JSON.parse("12345678901234567890")) and jq 1.6 say this.
    write("javascript_rounded.ndjson", (
        json.dumps(dict(zip(HEADER, [a, b, c, 12345678901234567000 if d % 2 else 1108187390000000000])))
        for a, b, c, d in ROWS))
    write("javascript_exponent.ndjson", (
        json.dumps(dict(zip(HEADER, [a, b, c, 0]))).replace(": 0}", ": 1.1e+21}")
        for a, b, c, d in ROWS))


by_pandas()
by_libreoffice()
by_hand()
