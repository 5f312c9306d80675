"""Every limit of the portal, one named line each. All are counted in the database.

The reasons are in docs/decisions/; the rule that Redis may be down is why none is counted there.
"""

from datetime import timedelta

# Codes (SMS), per mobile number, and each `Allowance` by itself.
CODE_DIGITS = 6
CODE_GAP = timedelta(seconds=60)  # asked for again sooner: no error, no SMS, the wait is shown
CODE_ASKERS_IN_GAP = 20  # sessions of one address that asked for one number sooner: the newest have places in its queue
CODE_PLACES = 100  # of one number, all addresses together
CODE_PLACE_LIFE = timedelta(minutes=30)  # then who is still there asks again
CODES_PER_HOUR = 5
CODES_PER_DAY = 10
# Beyond these, of what anybody can ask for: kept for addresses that have had no code for this number within the day,
# one for each. More than a stranger on twenty addresses uses up; each adds to the odds of guessing (SECURITY.md).
CODES_KEPT_PER_DAY = 20
CODES_KEPT_FOR_ADDRESSES = 12  # of them; the others are for networks (IPv4 /24, IPv6 /48) that had none
CODE_TO_BE_ACCEPTED_WITHIN = timedelta(minutes=10)  # else it expires unsent
CODE_LIFE = timedelta(minutes=10)  # from the moment a gateway accepted it
CODE_UNCONFIRMED_AFTER = timedelta(seconds=60)  # without a receipt, where one is due; then the page says what to do
CODE_TRIES = 5  # each code, counted before the comparison

# Codes, all numbers together: these only raise an alarm (accounts/codes/abuse_alarms.py).
PUMPING_NUMBERS = 50  # that got a code within an hour, at least,
PUMPING_USED = 0.2  # and fewer than this share used one
PREFIX_LENGTH = 9  # of +989121234567: ten thousand neighbours
PREFIX_CODES_PER_HOUR = 100

# Conduct: how much of what was tried within the hour came to something (common/abuse/conduct.py).
CONDUCT_WITHIN = timedelta(hours=1)
CONDUCT_SLOT = timedelta(minutes=5)  # counted in slots of this length
# What came to nothing: from the first figure on it is watched, from the second on it is put under pressure; only
# where it is also more than so many times what came to something (of all together a narrower share: chance is small).
CONDUCT_FLOORS = {"address": (10, 20), "network": (40, 80), "prefix": (40, 80), "population": (300, 1_000)}
CONDUCT_TIMES = {"address": (1, 2), "network": (1, 2), "prefix": (1, 2), "population": (0.75, 1)}
# So many times as much is borne while codes may still be used: a carrier's morning begins within minutes.
CONDUCT_FRESH_TIMES = {"address": 20, "network": 10, "prefix": 3, "population": 1}
CONDUCT_PROVEN_TIMES = 2  # an address is proven while no more came to nothing than so many times the good ends
CONDUCT_ADDRESSES_OF_ONE = 3  # at which one person's good ends count within an hour: at home, on the mobile, at work
CONDUCT_REPEATS_OF_ONE = 20  # further ones there in that hour that are no failures either: a branch, a short session
CONDUCT_KEPT = timedelta(hours=3)

# Proof of work and turns, under pressure (common/abuse/proof.py, turns.py; docs/decisions/0022).
PROOF_COST = 1_000  # PBKDF2 iterations of one trial; a challenge costs the server one trial
PROOF_TRIALS = 800  # at price 1 so many at most: an old phone's 2 s (docs/benchmarks.md)
PROOF_DEAREST = 32  # times that, for an address of which nothing comes to anything,
PROOF_NETWORK_SHARE = 4  # or a network with so many times as much;
PROOF_FLOOD = 4  # all prices double once so many times the population's floor came to nothing
PROOF_LIFE = timedelta(minutes=20)  # from the page to the use,
PROOF_LEEWAY = 4  # in which the price may grow so many times
# Without a proof: how many go on, by turns of the networks.
TURNS_PER_MINUTE = {"code": 10, "challenge": 10, "password": 10}
TURN_IS_LATE = 3  # from a network of which more than this came to nothing within the hour: a slow queue of their own
TURNS_LATE_PER_MINUTE = 3
TURN_LIFE = timedelta(minutes=30)  # a place that nobody asks for any more
TURN_SERVES = timedelta(minutes=10)  # from its being called
TURN_RENEWS = (timedelta(seconds=5), timedelta(seconds=30))  # a page without script looks again, soonest and latest
TURNS_OF_NETWORK = 200  # places of one network: the newest replaces the oldest of them
TURNS_AT_MOST = 20_000  # places of one queue: the newest replaces the one with most before it

# Requests.
POSTS_PER_ADDRESS = 600  # a minute; a whole mobile operator can sit behind one address
LARGEST_FIELD = 1_000  # characters of one text field
ONE_ADDRESS_WITHIN = timedelta(minutes=30)  # all POSTs of these from one private address,
ONE_ADDRESS_POSTS = 100  # and so many: no colleague alone, but a proxy that is not trusted

# Connections of one web process (tamin_portal/web_worker.py): how long a client may take, whatever it does meanwhile.
WEB_CONNECTIONS = 1_000
WEB_CROWDED = 0.75  # this share of them: who is waited for longest makes room
WEB_HEAD_WITHIN = timedelta(seconds=15)  # the request line and the headers
WEB_REQUEST_WITHIN = timedelta(seconds=60)  # all of it; a form is some kilobytes
WEB_ANSWER_TAKEN_WITHIN = timedelta(seconds=60)  # what the kernel has not taken yet
WEB_KEPT_ALIVE = timedelta(seconds=5)  # without a request
WEB_LARGEST_HEAD = 32 * 1024  # bytes; no form or link of ours comes near it, a receipt by GET may repeat the whole SMS
WEB_BODY_KEPT = 512 * 1024  # bytes of a body; larger ones are refused by the portal's page
WEB_LARGEST_BODY = 16 * 1024 * 1024  # and past this without it
WEB_THREADS_TAKE_TURNS = timedelta(milliseconds=1)  # a short page does not wait long behind a long one

# The database (PostgreSQL; web and workers).
LOCK_WAIT = timedelta(seconds=10)  # for what somebody else holds; then the page says "busy", and a worker tries again
TRANSACTION_IDLE = timedelta(seconds=60)  # of a transaction in which nothing happens; then the server ends it

# Sign-in, per account and device; a known device is not slowed down by strangers.
SIGN_IN_FREE_FAILURES = 3
SIGN_IN_FIRST_PAUSE = timedelta(seconds=5)
SIGN_IN_LONGEST_PAUSE = timedelta(minutes=15)
# All unknown devices of an account together: looser, and short, so that nobody can hold the owner off for long.
SIGN_IN_ELSEWHERE_FREE_FAILURES = 20
SIGN_IN_ELSEWHERE_LONGEST_PAUSE = timedelta(minutes=1)
SIGN_IN_ELSEWHERE_SPARES = 2  # tries of an address that had none for long: they do not wait for what others did,
SIGN_IN_SPARES_OF_NETWORK = 4  # so many a day of an IPv4 /24 or IPv6 /48,
SIGN_IN_SPARES_A_DAY = 500  # and of all unknown devices of an account together
SIGN_IN_FORGET_AFTER = timedelta(hours=24)
# The status page, per national ID and address; short, because the tracking code alone has 900 million values.
STATUS_FREE_FAILURES = 4
STATUS_FIRST_PAUSE = timedelta(seconds=2)
STATUS_LONGEST_PAUSE = timedelta(seconds=30)
# All addresses of an ID together: past these an address waits after its first wrong try already, but only for its own.
STATUS_ELSEWHERE_FREE_FAILURES = 20
STATUS_NETWORK_FREE_FAILURES = 40  # of an ID, all addresses of an IPv4 /24 or IPv6 /48 together
STATUS_CROWD_FREE_FAILURES = 1_000  # past these of all addresses the pauses after a wrong try grow up to
STATUS_CROWD_LONGEST_PAUSE = timedelta(minutes=15)
STATUS_SHOWN = timedelta(minutes=30)  # after the tracking code was right; then it is asked for again
STATUS_RENEWS = timedelta(seconds=30)  # the page loads itself anew while a request is being checked,
STATUS_RENEWS_UNTIL = timedelta(minutes=10)  # so long after the code was typed
STATUS_USUAL_WITHIN = timedelta(hours=24)  # the decisions that "usually" speaks of,
STATUS_USUAL_OF = 100  # the newest of them,
STATUS_USUAL_AT_LEAST = 5  # and this many, or nothing is promised
STATUS_LATE_TIMES = 3  # so many times the usual time: then it takes longer, and no time is promised
PASSED_BY_CODE = timedelta(minutes=15)  # a browser that proved the mobile has tries of its own at the sign-in
SIGN_IN_CODE_WITHIN = timedelta(minutes=15)  # after the right password, where a code is asked for as well
# SIGN_IN_CODE=risk: after so many failures since the account's last good sign-in a right password alone is not enough
# on an unknown device; those of the same browser are excused, but no more than these.
SIGN_IN_RISK_FAILURES = 3
SIGN_IN_RISK_OWN_EXCUSED = 3
FAILED_SIGN_INS_KEPT = 20  # the newest of an account: enough for the risk, and for the owner to be told,
FAILED_SIGN_INS_COUNT = timedelta(days=365)  # so long, if its owner does not sign in
MANY_FAILURES = 10  # wrong passwords within a day: the owner is told, once a day
PASSWORD_SHORTEST = 8  # characters
PASSWORD_LONGEST = 128  # longer ones are refused before hashing
ANSWER_LONGEST = 100  # characters of a security answer, as the forms take it
# Hashing passwords and answers (common/abuse/lane.py).
HASHING_WAIT = timedelta(seconds=1)  # for a place; then the page says "busy"
HASHING_WAITERS = 2  # threads of one process that wait for one kind of place; others are told at once
BUSY_COME_BACK = timedelta(seconds=10)  # what a busy page and Retry-After say, also where a row was locked for too long
HASHING_LOOK = timedelta(milliseconds=10)  # so often who waits looks whether another process has let go of a place
PASSWORD_GUESSES = 10**6  # what takes fewer guesses than this is refused where a password is set
PASSWORD_PIECE = 32  # characters that are estimated at once: the time grows with their square
# Staff: the second step of their sign-in.
STAFF_TOTP_WITHIN = timedelta(minutes=10)  # after the password was right; then it is asked for again
STAFF_TOTP_DIGITS = 6
STAFF_TOTP_LONGEST = 32  # characters of a typed code, blanks and hyphens too

# Sessions, of an account or of what is under way without one; devices of an account.
SESSION_IDLE = timedelta(minutes=15)  # without use: signed out, and what was begun is forgotten
SESSION_WARNING = timedelta(minutes=2)  # before that, on the page
SESSION_TYPING_COUNTS = timedelta(minutes=1)  # who types is still here: the page says so, at most so often
SESSION_LONGEST = timedelta(hours=12)  # however busy
LATE_ANSWERS_KEPT = timedelta(minutes=30)  # what was sent after the session's end, until the code; no secrets
HISTORY_PAGE = 30  # lines of the account's history on one page
SEARCHES_KEPT = 20  # of one session's searches at the desk: how far "back" in the browser goes
SEARCH_LONGEST = 200  # characters
SECURITY_TXT_LIFE = timedelta(days=180)  # of what /.well-known/security.txt says; RFC 9116: less than a year
TRUSTED_FOR = timedelta(days=365)  # a device its owner called their own, after its last sign-in

# Changes and recovery.
NOTICES_PER_DAY = 10  # of one kind to one account: what is told, not what may be done
FREEZE_LINK_LIFE = timedelta(hours=72)  # "not me"
EMAIL_LINK_LIFE = timedelta(hours=24)
EMAIL_LINK_GAP = timedelta(seconds=60)  # asked for again sooner, for the same address: the first one is on its way
EMAIL_LINKS_PER_DAY = 10  # letters of one account, to whichever addresses
MOBILE_CHANGES_PER_DAY = 10  # numbers that one account sends codes to
MOBILE_CHANGE_LIFE = timedelta(minutes=30)  # from the password to the code
MOBILE_WAIT_RENEWS = timedelta(seconds=10)  # the page loads itself anew while the registry is asked,
MOBILE_WAIT_RENEWS_UNTIL = timedelta(minutes=10)  # so long; who waits longer hears by SMS
RECOVERY_LIFE = timedelta(minutes=30)  # from the national ID to the security answer
RECOVERY_LEFT_ALONE = timedelta(hours=12)  # from then to the new password, also while a registry is down
ANSWER_TRIES = 3  # wrong security answers of an account, all recoveries together,
ANSWER_TRIES_WITHIN = timedelta(days=7)
RECOVERY_WITHOUT_ANSWER = timedelta(days=7)  # after a branch has seen the papers
RECOVERY_RENEWS = timedelta(seconds=5)  # the page that waits for the owner check looks again,
RECOVERY_RENEWS_LATER = timedelta(seconds=30)  # and after OWNER_CHECK_TELL_AFTER so often
OWNER_CHECK_LIFE = timedelta(hours=24)  # a change of number waits so long for a registry
OWNER_CHECK_BATCH = 20
OWNER_CHECK_LEASE = timedelta(minutes=2)
OWNER_CHECK_FIRST_PAUSE = timedelta(seconds=10)
OWNER_CHECK_LONGEST_PAUSE = timedelta(minutes=15)
OWNER_CHECK_AFTER_REST = timedelta(seconds=5)  # within these after the registry may be tried again
OWNER_CHECK_TELL_AFTER = timedelta(minutes=1)  # who had to wait longer hears by SMS that it can go on
ACCOUNT_WORK_BATCH = 50
ACCOUNT_WORK_LEASE = timedelta(seconds=60)

# The person.
YOUNGEST_AGE = 7  # years; a younger insured person is registered by a guardian at a branch
OLDEST_AGE = 130  # years
CORRECTIONS = 2  # identity corrections per national ID; then the branch is the way
CORRECTIONS_WITHIN = timedelta(days=60)  # counted over all registrations of the ID; the life of a referral

# Registrations left alone.
STARTED_LIFE = timedelta(hours=24)
CONFIRMED_LIFE = timedelta(days=7)
BRANCH_LIFE = timedelta(days=60)  # referred and awaiting_branch

# Kept for how long (purge).
CODES_KEPT = timedelta(days=2)
PROOFS_KEPT = timedelta(days=8)  # challenges, changes and links that are over; more than ANSWER_TRIES_WITHIN
DRAFTS_KEPT = timedelta(days=7)  # after a registration ended
MESSAGE_BODY_KEPT = timedelta(hours=1)  # after the message is final
MAIL_BODY_KEPT = timedelta(hours=1)  # subject and text, after the letter is final
MAIL_KEPT = timedelta(days=30)  # the row; as long it is said once
RECEIPTS_KEPT = timedelta(days=7)  # as they came
ALARMS_KEPT = timedelta(days=30)  # after they were over

# Work.
SMS_LONGEST = 900  # characters of one text; what gateways take
SMS_BATCH = 200  # messages a drain holds at the same time; more
SMS_LARGEST_BATCH = 1_000  # where a gateway takes more in one call
SMS_BATCH_TIME = timedelta(seconds=5)  # then the rest is given back: newer codes go first
SMS_RESULT_WAITS_FOR_PLACE = timedelta(seconds=2)  # at a gateway that is full; then the next one is as good
SMS_SUCCESSOR_WITHIN = timedelta(seconds=60)  # a drain whose time is over goes on so long, alone and with calls out
SMS_LEASE = timedelta(seconds=60)
SMS_CODE_RETRIES = (0, 2, 5, 10, 20)  # seconds
SMS_RESULT_RETRIES = (10, 30, 120, 300, 900)  # seconds, the last repeats with jitter
SMS_RESULT_GIVE_UP = timedelta(hours=72)
SMS_LARGEST_WEIGHT = 1_000_000  # of a gateway among those it shares with
SMS_LOOK_UP_PAUSE = timedelta(seconds=10)  # a gateway shows a message it took a little late
# The day's budget (SMS_DAILY_BUDGET): what each share is sure of, in order of standing; together 1 (sms/shares.py).
SMS_BUDGET_RESULTS = 0.35  # results, security notices, notices
SMS_BUDGET_OWN = 0.15  # codes after a right password, on a trusted device, at the desk
SMS_BUDGET_PROVEN = 0.10  # numbers proven once, asked for from addresses of good conduct
SMS_BUDGET_NEW = 0.25  # new numbers from addresses of good conduct
SMS_BUDGET_REST = 0.15  # all other codes, and notices that a stranger can cause
SMS_BUDGET_NEARLY = 0.8  # of what a share has had until now is used: alarm
ALARM_AGAIN = timedelta(minutes=15)  # a line in the log while one lasts
ALARM_STANDS = timedelta(hours=24)  # one that tells of an event, after its last time
BACKLOG_CODES_WAIT = 60  # seconds; past these `sms_backlog` ends with an error
BACKLOG_RESULTS_WAIT = 900
BACKLOG_RECEIPTS_WAIT = 300  # to be read
BACKLOG_QUEUE = 5_000  # messages
BACKLOG_FAILED = 20  # failed or expired within the hour
BACKLOG_UNKNOWN = 20  # perhaps sent within the hour
RECEIPT_LARGEST = 8_192  # bytes kept of one pushed receipt
RECEIPT_HELD = timedelta(hours=1)  # one that came before its message, or that is of none
RECEIPT_RETRIES = (1, 2, 5, 10, 30, 60, 300)  # seconds, the last repeats
RECEIPT_CLOCKS_DIFFER = timedelta(seconds=5)  # between our machines: one that sends, one that takes receipts
RECEIPT_BATCH = 100
RECEIPT_TIME = 10.0  # seconds of one look
RECEIPT_LEASE = timedelta(seconds=60)
RECEIPT_DUE_WITHIN = timedelta(minutes=10)  # by then a delivered message is reported; the health page judges older ones
SMS_HEALTH_WITHIN = timedelta(hours=24)  # the messages that the health page judges gateways by
RECEIPT_WAIT = timedelta(hours=72)  # then an accepted message is left as accepted
POLL_FIRST_PAUSE = timedelta(seconds=10)
POLL_LONGEST_PAUSE = timedelta(minutes=30)
POLL_WITHIN = timedelta(hours=48)  # after the send; gateways forget
POLL_BATCH = 500
POLL_TIME = 8.0  # seconds of one look at what is due; beat comes every ten
MATCH_BATCH = 100  # claimed together: one query of the local extract
MATCH_GROUP = 50  # decided together, in one transaction,
MATCH_GROUP_WAITS = 0.05  # unless the next answer takes longer than these seconds
MATCH_LEASE = timedelta(minutes=2)
MATCH_FIRST_PAUSE = timedelta(seconds=10)
MATCH_LONGEST_PAUSE = timedelta(minutes=15)
MATCH_LONGEST_PAUSE_OF_ONE = timedelta(hours=6)  # where registries answer, but not what can be used for this one
MATCH_AFTER_REST = timedelta(seconds=5)  # within these after registries may be tried again
MATCH_OUTAGE_HELD = 5  # requests without an answer: then no usual time is promised
MATCHING_WAITS = 5_000  # past these `matching_status` ends with an error
MATCHING_HELD = 20
MATCHING_OLDEST = 1_800  # seconds
MATCH_TELL_AFTER = timedelta(minutes=30)  # one SMS that it takes longer,
MATCH_TOLD_AT_ONCE = 500  # to so many in one transaction

# E-mail.
MAIL_LONGEST = 100_000  # characters of one text
MAIL_LONGEST_SUBJECT = 200
MAIL_LONGEST_ADDRESS = 254
MAIL_ANSWER_WITHIN = 10  # seconds: the connection, and each answer of the mail server
MAIL_BATCH = 50  # letters of one connection,
MAIL_BATCH_TIME = timedelta(seconds=60)  # then the rest is given back
MAIL_LEASE = timedelta(minutes=5)  # longer than that and the slowest conversation that can still begin
MAIL_DROPS = 2  # connections lost in a row: then the server is left alone until the next look
MAIL_RETRIES = (10, 30, 120, 300, 900)  # seconds, the last repeats, with jitter
MAIL_GIVE_UP = timedelta(hours=72)

# Registries (identity), on the network.
REGISTRY_CONNECT_WITHIN = 3.0  # seconds: name, connection and TLS
REGISTRY_ANSWER_WITHIN = 10.0  # seconds: all of one call
REGISTRY_CALLS = 32  # at the same time in one process, all registries together
REGISTRY_TURNS = 4  # of all its connections: what a worker claims together for a registry on the network
REGISTRY_LEAST_PERCENT = {"MATCH_FROM": 80, "REVIEW_FROM": 70}  # how alike: the lowest that anybody uses
REGISTRY_BATCH_TIME = 45.0  # seconds in which a batch may be asked about; with the last answers under MATCH_LEASE

# Circuit breaker, per service (an SMS gateway and operator).
BREAKER_WINDOW = 20  # results that are looked at
BREAKER_FAILURES = 5  # opens at this many failures among them,
BREAKER_SHARE = 0.5  # if they are this share at least
BREAKER_FIRST_PAUSE = timedelta(seconds=15)  # doubles after each trial that fails
BREAKER_LONGEST_PAUSE = timedelta(minutes=5)
BREAKER_BUSY = timedelta(seconds=30)  # of nothing but "busy": from then on that is a failure too
BREAKER_TRIAL = timedelta(seconds=60)  # a trial whose worker died is given to another
