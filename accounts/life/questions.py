"""The security questions that a person may choose from.

The guide names the first one. The others ask for what only the person remembers and what never changes: nothing that a
registry, a certificate or a relative's page tells a stranger (so no mother's name, no birth place, no school).
"""

from django.utils.translation import gettext_lazy as _

QUESTIONS = {
    "favourite_colour": _("What is your favourite colour?"),
    "childhood_friend": _("What was the nickname of your best childhood friend?"),
    "childhood_food": _("Which food did you like best as a child?"),
    "childhood_toy": _("What was your favourite toy as a child?"),
    "childhood_dream": _("What did you want to become when you were a child?"),
    "first_book": _("Which story or book did you like first?"),
    "first_trip": _("Where did the first trip you remember take you?"),
    "first_phone": _("What was the brand of your first mobile phone?"),
}
CHOICES = list(QUESTIONS.items())
