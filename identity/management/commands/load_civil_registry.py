"""`manage.py load_civil_registry FILE.csv`: replace the civil registry's extract."""

from identity import services
from identity.extract_rows import columns
from identity.management.loading import LoadCommand
from identity.models import ExtractKind

_SPELLED = {
    "birth_date": "Jalali, 1370/05/17; zeros where day or month is not known",
    "gender": "female or male",
    "birth_certificate_series": "a letter or number and two digits; empty: there is none",
    "birth_certificate_serial": "at most six digits; empty: there is none",
    "deceased": "0 or 1",
}
_COLUMNS = (f"{name} ({_SPELLED[name]})" if name in _SPELLED else name for name in columns(ExtractKind.CIVIL))


class Command(LoadCommand):
    help = (
        "Replace the extract of the civil registry by a CSV file. Its first line names the columns "
        f"{', '.join(_COLUMNS)}, in any order. Every line is checked first; the new "
        "extract is used from one moment to the next when all of it is there, until then the old one is."
    )
    load = staticmethod(services.load_civil_registry)
