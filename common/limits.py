"""All limits of the portal, except a protocol's own: lifetimes, pauses, sizes and counts, one named line each.

What is counted is counted in the database, never in Redis, which may be down. The reasons are in docs/decisions/.
"""

from datetime import timedelta

# Codes by SMS, per mobile number; counted for each `Allowance` separately.
CODE_DIGITS = 6
CODE_GAP = timedelta(seconds=60)  # between two codes; asked for sooner: no error and no SMS, the page shows the wait
CODE_ASKERS_IN_GAP = 20  # sessions of one address that wait for a code to one number; the newest replace older ones
CODE_PLACES = 100  # sessions that wait for a code to one number, of all addresses together
CODE_PLACE_LIFE = timedelta(minutes=30)  # of such a wait; after it the person has to ask again
CODES_PER_HOUR = 5
CODES_PER_DAY = 10
# Further codes, kept for addresses that have had no code for this number within the day, one for each: more than a
# stranger with twenty addresses can use up. Each one makes guessing a little more likely (SECURITY.md).
CODES_KEPT_PER_DAY = 20
CODES_KEPT_FOR_ADDRESSES = 12  # of them; the others are for networks (IPv4 /24, IPv6 /48) that had none
CODE_TO_BE_ACCEPTED_WITHIN = timedelta(minutes=10)  # by a gateway; otherwise the SMS expires unsent
CODE_LIFE = timedelta(minutes=10)  # from the moment a gateway accepted it
CODE_LINE_IS_FULL = timedelta(seconds=10)  # of waiting for the SMS gateway; from then on the page tells how long
CODE_UNCONFIRMED_AFTER = timedelta(seconds=60)  # without an expected receipt; then the page says what to do
# The session that used a code may send it again for so long: it did not receive the first answer, and gets it again.
CODE_RETRY_GRACE = timedelta(seconds=60)
CODE_TRIES = 5  # of each code; a try is counted before the comparison

# Codes of all numbers together; these limits only raise an alarm (accounts/codes/abuse_alarms.py).
PUMPING_NUMBERS = 50  # alarm if at least so many numbers got a code within an hour,
PUMPING_USED = 0.2  # and less than this share of them used one
PREFIX_LENGTH = 9  # characters of +989121234567; ten thousand neighbouring numbers share a prefix
PREFIX_CODES_PER_HOUR = 100

# Conduct: how many tries of the last hour came to a good end (common/abuse/conduct.py).
CONDUCT_WITHIN = timedelta(hours=1)
CONDUCT_SLOT = timedelta(minutes=5)  # tries are counted in time slots of this length
# Tries in vain (without a good end): from the first figure on the level is watch, from the second on pressure; but only
# if they are also more than so many times the good ends (a smaller factor for the population, where chance is small).
CONDUCT_FLOORS = {"address": (10, 20), "network": (40, 80), "prefix": (40, 80), "population": (300, 1_000)}
CONDUCT_TIMES = {"address": (1, 2), "network": (1, 2), "prefix": (1, 2), "population": (0.75, 1)}
# So many times as many are allowed while their codes may still be used: many people of one operator start at once.
CONDUCT_FRESH_TIMES = {"address": 20, "network": 10, "prefix": 3, "population": 1}
CONDUCT_PROVEN_TIMES = 2  # an address is proven while its tries in vain are at most so many times its good ends
CONDUCT_ADDRESSES_OF_ONE = 3  # addresses at which one person's good ends count within an hour: home, mobile, work
CONDUCT_REPEATS_OF_ONE = 20  # further good ends there in that hour that are no failures either (a branch)
CONDUCT_KEPT = timedelta(hours=3)

# Proof of work and turns, at level pressure (common/abuse/proof_of_work.py, turns.py; docs/decisions/0022).
PROOF_COST = 1_000  # PBKDF2 iterations of one trial; a challenge costs the server one trial
PROOF_TRIALS = 800  # at most, at price 1: 2 s on an old phone (docs/benchmarks.md)
PROOF_DEAREST = 32  # highest price, for an address without any good end,
PROOF_NETWORK_SHARE = 4  # or a network with so many times as many tries in vain
PROOF_FLOOD = 4  # all prices double when tries in vain reach so many times the population's floor
PROOF_LIFE = timedelta(minutes=20)  # of a challenge, from the page to its use,
PROOF_LEEWAY = 4  # during which the price may grow so many times
# Without a proof: how many are let through a minute, in turns of their networks.
TURNS_PER_MINUTE = {"code": 10, "challenge": 10, "password": 10}
TURN_IS_LATE = 3  # networks with more tries in vain than this within the hour wait in a slow queue of their own
TURNS_LATE_PER_MINUTE = 3
TURN_LIFE = timedelta(minutes=30)  # of a place that nobody asks for any more
TURN_SERVES = timedelta(minutes=10)  # after it was called, a turn can be used for so long
TURN_RENEWS = (timedelta(seconds=5), timedelta(seconds=30))  # a page without script reloads itself, soonest and latest
TURNS_OF_NETWORK = 200  # places of one network; the newest replaces the oldest of them
TURNS_AT_MOST = 20_000  # places of one queue; the newest replaces the one with most before it

# Requests.
POSTS_PER_ADDRESS = 600  # a minute; all customers of a mobile operator may share one address
LARGEST_FIELD = 1_000  # characters of one text field
ONE_ADDRESS_WITHIN = timedelta(minutes=30)  # warning if all POSTs within this time come from one private address,
ONE_ADDRESS_POSTS = 100  # and there are at least so many: then it is a proxy that is not trusted

# Maintenance (common/maintenance.py).
MAINTENANCE_SEEN_WITHIN = timedelta(seconds=5)  # a web process looks so often whether it was switched on or off
MAINTENANCE_LONGEST = timedelta(days=7)  # a later end is taken for a mistyped one
MAINTENANCE_COME_BACK = timedelta(minutes=5)  # named by Retry-After once the end has passed

# A connection to PostgreSQL that was not used for so long is asked whether it lives (common/postgresql/base.py).
DATABASE_AT_REST = timedelta(seconds=10)

# Connections of one web process (tamin_portal/web_worker.py): how long a client may take, whatever it does meanwhile.
WEB_CONNECTIONS = 1_000
WEB_CROWDED = 0.75  # from this share of them on, those that have been waited for longest are closed
WEB_HEAD_WITHIN = timedelta(seconds=15)  # the request line and the headers
WEB_REQUEST_WITHIN = timedelta(seconds=60)  # the whole request; a form is some kilobytes
WEB_ANSWER_TAKEN_WITHIN = timedelta(seconds=60)  # the client has to take what the kernel has not taken yet
WEB_KEPT_ALIVE = timedelta(seconds=5)  # without a request
WEB_LARGEST_HEAD = 32 * 1024  # bytes; our forms and links are far shorter, a receipt by GET may repeat the whole SMS
WEB_BODY_KEPT = 512 * 1024  # bytes of a body; larger ones are refused by the portal's page
WEB_LARGEST_BODY = 16 * 1024 * 1024  # bytes; even larger ones are refused without a page
WEB_THREADS_TAKE_TURNS = timedelta(milliseconds=1)  # switch interval: short pages do not wait for long ones

# Without hints: Redis or beat is away (tamin_portal/clock.py, common/broker.py).
CLOCK_PATIENCE = timedelta(seconds=4)  # a worker looks by itself if it was not told to for so long;
CLOCK_QUICK = timedelta(seconds=10)  # tasks that beat starts less often than this,
CLOCK_TIMES = 3  # after so many times their period
CLOCK_ENDS_WITHIN = timedelta(seconds=20)  # a worker that stops waits so long for what its clock has begun
BROKER_ASKED_EVERY = timedelta(seconds=5)  # whether Redis answers, by one web process
ALIVE_SAID_EVERY = timedelta(seconds=5)  # by a worker; beat says it at each of its rounds

# The database (PostgreSQL; web and workers).
LOCK_WAIT = timedelta(seconds=10)  # for somebody else's lock; then the page says "busy", a worker tries again
TRANSACTION_IDLE = timedelta(seconds=60)  # without a statement in a transaction; then the server ends it

# Sign-in, per account and device; strangers do not slow a known device down.
SIGN_IN_FREE_FAILURES = 3
SIGN_IN_FIRST_PAUSE = timedelta(seconds=5)
SIGN_IN_LONGEST_PAUSE = timedelta(minutes=15)
# All unknown devices of an account together: more tries and short pauses, so that nobody can lock the owner out.
SIGN_IN_ELSEWHERE_FREE_FAILURES = 20
SIGN_IN_ELSEWHERE_LONGEST_PAUSE = timedelta(minutes=1)
SIGN_IN_ELSEWHERE_SPARES = 2  # tries of an address that had none for long, which do not wait because of others,
SIGN_IN_SPARES_OF_NETWORK = 4  # so many a day for an IPv4 /24 or IPv6 /48,
SIGN_IN_SPARES_A_DAY = 500  # and for all unknown devices of an account together
SIGN_IN_FORGET_AFTER = timedelta(hours=24)
# Status page, per national ID and address; short pauses, because the tracking code has 900 million values.
STATUS_FREE_FAILURES = 4
STATUS_FIRST_PAUSE = timedelta(seconds=2)
STATUS_LONGEST_PAUSE = timedelta(seconds=30)
# All addresses of an ID together: after these an address waits from its first wrong try on, but only for its own.
STATUS_ELSEWHERE_FREE_FAILURES = 20
STATUS_NETWORK_FREE_FAILURES = 40  # of an ID, for all addresses of an IPv4 /24 or IPv6 /48 together
STATUS_CROWD_FREE_FAILURES = 1_000  # of an ID, for all addresses; after these, pauses after a wrong try grow up to
STATUS_CROWD_LONGEST_PAUSE = timedelta(minutes=15)
STATUS_SHOWN = timedelta(minutes=30)  # after the right tracking code; then it is asked for again
STATUS_RENEWS = timedelta(seconds=30)  # the page reloads itself while a request is being checked,
STATUS_RENEWS_UNTIL = timedelta(minutes=10)  # for so long after the code was typed
STATUS_USUAL_WITHIN = timedelta(hours=24)  # the usual time is computed from decisions of this period,
STATUS_USUAL_OF = 100  # the newest so many of them,
STATUS_USUAL_AT_LEAST = 5  # and only if there are so many; otherwise no time is named
STATUS_LATE_TIMES = 3  # after so many times the usual time the page says that it takes longer, and names no time
PASSED_BY_CODE = timedelta(minutes=15)  # a browser that proved the mobile has tries of its own at the sign-in
SIGN_IN_CODE_WITHIN = timedelta(minutes=15)  # after the right password, if a code is asked for as well
# SIGN_IN_CODE=risk: after so many failures since the account's last good sign-in, an unknown device needs a code in
# addition to the right password. Of the same browser's failures so many are not counted.
SIGN_IN_RISK_FAILURES = 3
SIGN_IN_RISK_OWN_EXCUSED = 3
FAILED_SIGN_INS_KEPT = 20  # the newest of an account: enough to judge the risk and to tell the owner,
FAILED_SIGN_INS_COUNT = timedelta(days=365)  # counted for so long if the owner does not sign in
MANY_FAILURES = 10  # wrong passwords within a day after which the owner is told, once a day
PASSWORD_SHORTEST = 8  # characters
PASSWORD_LONGEST = 128  # characters; longer ones are refused before hashing
ANSWER_LONGEST = 100  # characters of a security answer in the forms
# Hashing passwords and answers (common/abuse/hashing_places.py).
HASHING_WAIT = timedelta(seconds=1)  # for a place; then the page says "busy"
HASHING_WAITERS = 2  # threads of one process that wait for one kind of place; others are told at once
BUSY_COME_BACK = timedelta(seconds=10)  # named by a busy page and by Retry-After, also if a row was locked for too long
HASHING_LOOK = timedelta(milliseconds=10)  # between looks whether another process has released a place
PASSWORD_GUESSES = 10**6  # a new password that needs fewer guesses than this is refused
PASSWORD_PIECE = 32  # characters that are estimated together; the time grows with their square
# Staff: the second step of their sign-in.
STAFF_TOTP_WITHIN = timedelta(minutes=10)  # after the right password; then the password is asked for again
STAFF_TOTP_DIGITS = 6

# Sessions, with or without an account; devices of an account.
SESSION_IDLE = timedelta(minutes=15)  # without a request; then the session ends
SESSION_WARNING = timedelta(minutes=2)  # before the end, the page warns
SESSION_TYPING_COUNTS = timedelta(minutes=1)  # a page on which somebody types reports it, at most so often
SESSION_LONGEST = timedelta(hours=12)  # even if it is in use
SESSION_USE_BEHIND = timedelta(minutes=1)  # a use is written at once where the last one written is older than this
LATE_ANSWERS_KEPT = timedelta(hours=2)  # what was sent after the session's end is kept until the code; no secrets
LATE_ANSWERS_OF = 5  # people at one browser, whose late pages are kept side by side
HISTORY_PAGE = 30  # lines of the account's history on one page
SEARCHES_KEPT = 20  # of one session at the desk: how far "back" in the browser works
SEARCH_LONGEST = 200  # characters
SECURITY_TXT_LIFE = timedelta(days=180)  # of /.well-known/security.txt; RFC 9116: less than a year
TRUSTED_FOR = timedelta(days=365)  # a device that its owner trusts, after its last sign-in
DEVICE_ACCOUNTS = 8  # accounts that one browser is a known device of, the latest; keeps the cookie under 400 bytes

# Changes and recovery.
NOTICES_PER_DAY = 10  # of one kind to one account; the events themselves are not limited by this
FREEZE_LINK_LIFE = timedelta(hours=72)  # of the link "not me"
EMAIL_LINK_LIFE = timedelta(hours=24)
EMAIL_LINK_GAP = timedelta(seconds=60)  # between two links to one address
EMAIL_LINKS_PER_DAY = 10  # of one account, to any addresses
MOBILE_CHANGES_PER_DAY = 10  # numbers to which one account may send codes
MOBILE_CHANGE_LIFE = timedelta(minutes=30)  # from the password to the code
MOBILE_WAIT_RENEWS = timedelta(seconds=10)  # the page reloads itself while the registry is asked,
MOBILE_WAIT_RENEWS_UNTIL = timedelta(minutes=10)  # for so long; who waits longer is told by SMS
RECOVERY_LIFE = timedelta(minutes=30)  # from the national ID to the security answer
RECOVERY_LEFT_ALONE = timedelta(hours=12)  # from the security answer to the new password, also while a registry is down
ANSWER_TRIES = 3  # wrong security answers of an account, in all recoveries together,
ANSWER_TRIES_WITHIN = timedelta(days=7)
RECOVERY_WITHOUT_ANSWER = timedelta(days=7)  # after a branch has seen the papers
RECOVERY_RENEWS = timedelta(seconds=5)  # the page that waits for the owner check reloads itself,
RECOVERY_RENEWS_LATER = timedelta(seconds=30)  # and so often after OWNER_CHECK_TELL_AFTER
OWNER_CHECK_LIFE = timedelta(hours=24)  # a change of number waits so long for a registry
OWNER_CHECK_BATCH = 20
OWNER_CHECK_LEASE = timedelta(minutes=2)
OWNER_CHECK_FIRST_PAUSE = timedelta(seconds=10)
OWNER_CHECK_LONGEST_PAUSE = timedelta(minutes=15)
OWNER_CHECK_AFTER_REST = timedelta(seconds=5)  # asked again within this time after the registry may be tried again
OWNER_CHECK_TELL_AFTER = timedelta(minutes=1)  # who has to wait longer is told by SMS when it can go on
ACCOUNT_WORK_BATCH = 50
ACCOUNT_WORK_LEASE = timedelta(seconds=60)
ACCOUNT_REASON_LONGEST = 500  # characters of an administrator's reason, which the account's history keeps for good

# The person.
YOUNGEST_AGE = 7  # years; younger insured persons are registered by a guardian at a branch
OLDEST_AGE = 130  # years
CORRECTIONS = 2  # of the identity, per national ID; after them the person has to go to a branch
CORRECTIONS_WITHIN = timedelta(days=60)  # counted over all registrations of the ID; as long as a referral lives

# Registrations that nobody continues.
STARTED_LIFE = timedelta(hours=24)
CONFIRMED_LIFE = timedelta(days=7)
BRANCH_LIFE = timedelta(days=60)  # in states referred and awaiting_branch

# The end of a registration, and the decision of a branch.
SYSTEM_MESSAGE_FIRST = timedelta(seconds=10)  # the closing page shows the guide's words for so long,
CLOSING_RENEWS = timedelta(seconds=10)  # and then looks whether there is a result, ever more rarely
CLOSING_PAGE_SHOWN = timedelta(minutes=15)  # after the end, to the browser that finished: it may reload the page
DESK_NOTE_LONGEST = 2_000  # characters of a clerk's note
REJECTION_REASON_LONGEST = 300  # characters of the reason in the SMS; the rest of its text must fit as well

# How long data are kept (purge).
CODES_KEPT = timedelta(days=2)
PROOFS_KEPT = timedelta(days=8)  # ended challenges, changes and links; longer than ANSWER_TRIES_WITHIN
DRAFTS_KEPT = timedelta(days=7)  # after a registration ended
WAY_BACK_KEPT = timedelta(days=30)  # after an account was made: from which service its person came
MESSAGE_BODY_KEPT = timedelta(hours=1)  # after the message is final
MAIL_BODY_KEPT = timedelta(hours=1)  # subject and text, after the letter is final
MAIL_KEPT = timedelta(days=30)  # the row; for so long a dedupe key is known
RECEIPTS_KEPT = timedelta(days=7)  # after they were received
ALARMS_KEPT = timedelta(days=30)  # after their end
POST_COUNTS_KEPT = timedelta(hours=1)  # requests per address and minute (POSTS_PER_ADDRESS)

# Work.
SMS_LONGEST = 900  # characters of one text, as gateways take them
SMS_BATCH = 200  # messages that a drain holds at the same time,
SMS_LARGEST_BATCH = 1_000  # or up to so many if a gateway takes more in one call
SMS_BATCH_TIME = timedelta(seconds=5)  # what waits longer in a drain is given back, so that newer codes go first
SMS_RESULT_WAITS_FOR_PLACE = timedelta(seconds=2)  # at a gateway whose places are taken; then the next gateway is used
SMS_SUCCESSOR_WITHIN = timedelta(seconds=60)  # a drain whose calls hang goes on so long, if there is no other one
SMS_BIND_LEASE = timedelta(seconds=15)  # of a process; when it dies, another one takes the bind after that
SMS_BIND_REFUSED = timedelta(seconds=60)  # a process whose bind was one too many tries no other one for so long
SMS_BIND_UNREACHABLE = timedelta(seconds=15)  # a process that cannot connect for so long leaves its bind to others
SMS_BIND_LEFT = timedelta(seconds=30)  # and takes none for so long
SMS_BIND_GHOST = timedelta(minutes=5)  # for so long a gateway may count the bind of a process that died
SMS_BIND_AGAIN = timedelta(seconds=5)  # until the next try meanwhile
SMS_LINE_LONGEST_HOLD = timedelta(minutes=5)  # however long a gateway that is busy asks us to wait
SMS_LEASE = timedelta(seconds=60)
SMS_CODE_RETRIES = (0, 2, 5, 10, 20)  # seconds
SMS_RESULT_RETRIES = (10, 30, 120, 300, 900)  # seconds, with jitter; the last one repeats
SMS_RESULT_GIVE_UP = timedelta(hours=72)
SMS_OUTAGE = timedelta(seconds=10)  # of failures alone: then the first success lets go what had been put off
SMS_PROBE_EVERY = timedelta(seconds=5)  # each process looks for breakers that may be tried
SMS_LET_GO_LATER_THAN = timedelta(seconds=2)  # what is due sooner waits for its turn
SMS_LARGEST_WEIGHT = 1_000_000  # of a gateway in its tier
SMS_LOOK_UP_PAUSE = timedelta(seconds=10)  # because a gateway finds a message only some time after it took it
# Shares of the daily budget (SMS_DAILY_BUDGET), highest first; together 1 (sms/shares.py).
SMS_BUDGET_RESULTS = 0.35  # results, security notices, notices
SMS_BUDGET_OWN = 0.15  # codes after a right password, on a trusted device, at the desk
SMS_BUDGET_PROVEN = 0.10  # numbers proven once, asked for from addresses of good conduct
SMS_BUDGET_NEW = 0.25  # new numbers from addresses of good conduct
SMS_BUDGET_REST = 0.15  # all other codes, and notices that a stranger can cause
SMS_BUDGET_NEARLY = 0.8  # alarm when a share has used this much of what it has had until now
ALARM_AGAIN = timedelta(minutes=15)  # between two log lines about an alarm that lasts
ALARM_STANDS = timedelta(hours=24)  # of an alarm about an event, after its last time
BACKLOG_CODES_WAIT = 60  # seconds; above these values `sms_backlog` ends with an error
BACKLOG_RESULTS_WAIT = 900
BACKLOG_RECEIPTS_WAIT = 300  # seconds until a receipt is read
BACKLOG_QUEUE = 5_000  # messages
BACKLOG_FAILED = 20  # failed or expired within the hour
BACKLOG_UNKNOWN = 20  # perhaps sent within the hour
RECEIPT_LARGEST = 8_192  # bytes kept of one pushed receipt
RECEIPT_HELD = timedelta(hours=1)  # a receipt without a message is tried again for so long
RECEIPT_RETRIES = (1, 2, 5, 10, 30, 60, 300)  # seconds; the last one repeats
RECEIPT_CLOCKS_DIFFER = timedelta(seconds=5)  # at most, between our machine that sends and the one that takes receipts
RECEIPT_BATCH = 100
RECEIPT_GROUP = 20  # of them, written in one transaction
RECEIPT_TIME = 10.0  # seconds of one run that reads receipts
RECEIPT_LEASE = timedelta(seconds=60)
RECEIPT_DUE_WITHIN = timedelta(minutes=10)  # after it a receipt is overdue; the health page judges older messages only
RECEIPT_PARTS_APART = timedelta(hours=6)  # receipts of one message's parts come together as a rule, or not at all
SMS_HEALTH_WITHIN = timedelta(hours=24)  # the health page judges gateways by messages of this period
RECEIPT_WAIT = timedelta(hours=72)  # then an accepted message stays accepted
POLL_FIRST_PAUSE = timedelta(seconds=10)
POLL_LONGEST_PAUSE = timedelta(minutes=30)
POLL_WITHIN = timedelta(hours=48)  # after the send; gateways forget older messages
POLL_BATCH = 500
POLL_TIME = 8.0  # seconds of one poll; Celery's clock starts one every ten seconds
MATCH_BATCH = 200  # claimed together: one query of the local extract
MATCH_GROUP = 100  # decided together, in one transaction,
MATCH_GROUP_WAITS = 0.05  # unless the next answer takes longer than these seconds
MATCH_LEASE = timedelta(minutes=2)
MATCH_FIRST_PAUSE = timedelta(seconds=10)
MATCH_LONGEST_PAUSE = timedelta(minutes=15)
MATCH_LONGEST_PAUSE_OF_ONE = timedelta(hours=6)  # if registries answer, but not usably about this person
MATCH_AFTER_REST = timedelta(seconds=5)  # asked again within this time after registries may be tried again
MATCH_OUTAGE_HELD = 5  # from so many requests without an answer on, no usual time is named
MATCHING_WAITS = 5_000  # above these values `matching_status` ends with an error
MATCHING_HELD = 20
MATCHING_OLDEST = 1_800  # seconds
MATCH_TELL_AFTER = timedelta(minutes=30)  # then one SMS says that it takes longer,
MATCH_TOLD_AT_ONCE = 500  # to so many in one transaction

# E-mail.
MAIL_LONGEST = 100_000  # characters of one text
MAIL_LONGEST_SUBJECT = 200
MAIL_LONGEST_ADDRESS = 254
MAIL_ANSWER_WITHIN = 10  # seconds: the connection, and each answer of the mail server
MAIL_BATCH = 50  # letters sent over one connection,
MAIL_BATCH_TIME = timedelta(seconds=60)  # for at most this time; then the rest is given back
MAIL_LEASE = timedelta(minutes=5)  # longer than MAIL_BATCH_TIME and the slowest conversation that can still begin
MAIL_DROPS = 2  # connections lost in a row, after which the server is not called until the next run
MAIL_RETRIES = (10, 30, 120, 300, 900)  # seconds, with jitter; the last one repeats
MAIL_GIVE_UP = timedelta(hours=72)
MAIL_REFUSALS = 5  # by a rule that names nobody, after which a letter that was refused alone has failed
MAIL_REFUSED_ALL = 3  # recipients who are refused so while no letter goes: then the rule is against us

# Registries (identity), on the network.
REGISTRY_CONNECT_WITHIN = 3.0  # seconds: look-up of the name, connection and TLS
REGISTRY_ANSWER_WITHIN = 10.0  # seconds: all of one call
REGISTRY_CALLS = 32  # at the same time in one process, all registries together
REGISTRY_TURNS = 4  # times all its connections: what a worker claims together for a registry on the network
REGISTRY_LEAST_PERCENT = {"MATCH_FROM": 80, "REVIEW_FROM": 70}  # of similarity: the lowest values known to be in use
REGISTRY_BATCH_TIME = 45.0  # seconds in which a batch may start inquiries; with the last answers less than MATCH_LEASE

# Circuit breaker, per service (an SMS gateway and operator).
BREAKER_WINDOW = 20  # results that are judged
BREAKER_FAILURES = 5  # opens at so many failures among them,
BREAKER_SHARE = 0.5  # if they are at least this share
BREAKER_FIRST_PAUSE = timedelta(seconds=15)  # doubles after each trial call that fails
BREAKER_LONGEST_PAUSE = timedelta(minutes=5)
BREAKER_BUSY = timedelta(seconds=30)  # of nothing but "busy"; from then on that counts as a failure
BREAKER_TRIAL = timedelta(seconds=60)  # after it, the trial of a worker that died is given to another

# Connected services (openid): what an administrator may enter.
OPENID_SECRET_OVERLAP = timedelta(days=7)  # a service's earlier secret works on for so long
OPENID_ADDRESSES = 20  # of one kind and service
OPENID_ADDRESS_LONGEST = 300
OPENID_REASON_LONGEST = 500
OPENID_KEYS_OF_SERVICE = 10
OPENID_LOGO_BYTES = 32 * 1024
OPENID_LOGO_SIDES = (16, 512)  # pixels
OPENID_USAGE_SHARDS = 16  # rows that count the same thing, so that no request waits for another
OPENID_USAGE_SHOWN = 30  # days
OPENID_USAGE_KEPT = timedelta(days=400)  # so that a month can be held against the same one of the year before
OPENID_LAST_USED_EVERY = timedelta(hours=1)  # so often it is written down that a citizen's service is in use

# Requests of connected services (openid/requests.py).
OPENID_PUSHED = timedelta(minutes=5)  # a pushed request has to be brought by a browser within this time
OPENID_REQUEST = timedelta(hours=1)  # a request waits so long for its citizen; then only its service is remembered
OPENID_PROOF_COUNTS = timedelta(minutes=10)  # a password that was typed since counts as typed for the request so long
OPENID_REQUEST_LONGEST = 8_000  # characters of all its parameters
# Requests that wait, of one address and minute: anybody can send them, and each is a row. As loose as all POSTs.
OPENID_KEPT_PER_ADDRESS = 600
OPENID_ANSWER_AGAIN = timedelta(seconds=60)  # after a double click the same browser gets the answer again

# The choice of a language, in a cookie.
LANGUAGE_KEPT = timedelta(days=365)

# Connected services (openid): how long what they hold is good.
OPENID_CODE = timedelta(seconds=60)
OPENID_ACCESS_TOKEN = timedelta(minutes=10)
OPENID_ID_TOKEN = timedelta(minutes=10)
OPENID_REFRESH_TOKEN = timedelta(days=30)  # each exchange gives a new one,
OPENID_GRANT = timedelta(days=180)  # but the citizen signs in again after this time
OPENID_ASSERTION = timedelta(hours=1)  # the longest life of a private_key_jwt; so long its jti is kept
OPENID_REQUESTS_KEPT = timedelta(days=2)  # after the end of a request that waited
# What fails to prove that it is a service is told to wait, in each minute, after so many failures of the service that
# it claims to be, or of its address. Whoever proves it is never refused.
OPENID_FAILURES_PER_SERVICE = 60
OPENID_FAILURES_PER_ADDRESS = 120
OPENID_FAILURES_KEPT = timedelta(hours=1)

# Keys that sign what connected services are told (openid/keys.py). A service may keep what it has read for a day.
OPENID_KEY_SIGNS_AFTER = timedelta(hours=25)  # of being published; the only key of its algorithm signs at once
OPENID_KEY_STAYS = timedelta(hours=25, minutes=10)  # published after its successor began to sign: OPENID_ID_TOKEN more
OPENID_KEY_KEPT = timedelta(days=40)  # its file, after that; a sign-out may show a token as old as a refresh token
OPENID_KEY_OLD = timedelta(days=365)  # of the one that signs; then `check` warns
OPENID_KEYS_READ_EVERY = 5  # seconds: the folder's names, in each process
OPENID_KEYS_CACHED = timedelta(hours=1)  # what the answer with the public keys, and the discovery, asks of caches

# Sign-outs that connected services are told (openid/logout/).
LOGOUT_PLACES = 32  # services that one process tells at the same time
LOGOUT_PER_SERVICE = 8  # calls to one of them, as long as it answers; one call at a time to one that does not
LOGOUT_CONNECT_WITHIN = 3.0  # seconds: look-up of the name, connection and TLS
LOGOUT_ANSWER_WITHIN = 8.0  # seconds: all of one call
LOGOUT_LEASE = timedelta(seconds=60)  # longer than the slowest call, and what waits for it to be written
LOGOUT_RETRIES = (5, 15, 60, 300, 900)  # seconds, with jitter; the last one repeats
LOGOUT_REFUSALS = 6  # a service that says of one sign-out so often that it cannot do it is not told again
LOGOUT_GIVE_UP = timedelta(hours=24)
LOGOUT_ALARM_AFTER = 3  # tries in vain
LOGOUT_KEPT = timedelta(days=30)  # of what was told or given up
# The trial of a service by an administrator (openid/trial/).
TRIAL_CONNECT_WITHIN = 3.0  # seconds: look-up of the name, connection and TLS
TRIAL_ANSWER_WITHIN = 5.0  # seconds: all of one call
TRIAL_PLACES = 16  # addresses that are called at the same time
TRIAL_ADDRESSES = 32  # of one service that are called at all: within the web's time for a page
TRIAL_ERRORS_OF = 7  # days
ENDED_TOGETHER = 500  # grants that are read and written by the same statements
