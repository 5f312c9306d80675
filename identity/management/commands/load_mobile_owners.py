"""`manage.py load_mobile_owners FILE.csv`: replace the extract of who owns which mobile."""

from identity import services
from identity.management.loading import LoadCommand


class Command(LoadCommand):
    help = (
        "Replace the extract of the owners of mobiles by a CSV file. Its first line names the columns "
        "national_id, mobile, in any order; a person may have several mobiles, each on a line of its own. "
        "Every line is checked first; the new extract is used from one moment to the next when all of it "
        "is there, until then the old one is."
    )
    load = staticmethod(services.load_mobile_owners)
