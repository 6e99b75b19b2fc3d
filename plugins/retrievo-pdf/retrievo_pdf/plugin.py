"""The plugin: a name and a string. pypdf is imported when the first PDF is read."""

from collections.abc import Callable

from retrievo import hookimpl


@hookimpl
def retrievo_register_readers(register: Callable[..., None]) -> None:
    register("pdf", "retrievo_pdf.reader:PdfReader")
