"""`manage.py load_civil_registry FILE.csv`: replace the civil registry's extract."""

from identity import services
from identity.management.loading import LoadCommand


class Command(LoadCommand):
    help = (
        "Replace the extract of the civil registry by a CSV file. Its first line names the columns "
        "national_id, first_name, last_name, birth_date (Jalali, 1370/05/17), gender (female or male), "
        "birth_certificate_number, birth_certificate_series (a letter or number and two digits), "
        "birth_certificate_serial, deceased (0 or 1), in any order. Every line is checked first; the new "
        "extract is used from one moment to the next when all of it is there, until then the old one is."
    )
    load = staticmethod(services.load_civil_registry)
