#!/bin/sh
# Gives other services a RabbitMQ user of their own, for the exchange of logouts and nothing else.
# docker-compose.peers.yml runs it at each start, so it also renews password and rights.
#
#   PEERS_PASSWORD     the user's password
#   PEERS_USER         the user's name, with which the names of its queues begin (peers)
#   AUTH_EXCHANGE      the exchange (auth)
#   RABBITMQ_NODENAME  the broker's node, as rabbitmqctl expects it
set -eu
: "${PEERS_PASSWORD:?the password of the peers}"
user=${PEERS_USER:-peers}
exchange=${AUTH_EXCHANGE:-auth}

# Both become part of regular expressions.
case $user$exchange in
  *[!A-Za-z0-9._-]*)
    echo "peers: PEERS_USER and AUTH_EXCHANGE may hold letters, digits and . _ - only" >&2
    exit 1
    ;;
esac
escape() { printf '%s' "$1" | sed 's/[.]/\\./g'; }

# Passwords are read from the standard input: arguments are seen by every process. No --silent
# there: RabbitMQ 4 takes a third argument for the password and waits for ever.
if rabbitmqctl --silent list_users | cut -f 1 | grep -qxF "$user"; then
  printf '%s\n' "$PEERS_PASSWORD" | rabbitmqctl change_password "$user"
else
  printf '%s\n' "$PEERS_PASSWORD" | rabbitmqctl add_user "$user"
fi
# No tag: no management, no monitoring.
rabbitmqctl --silent set_user_tags "$user"
rabbitmqctl --silent set_user_limits "$user" '{"max-connections": 100, "max-channels": 500}'

# Declare, bind and consume queues of one's own (the broker names those without a name amq.gen-…),
# declare the exchange, publish to it. No other exchange: not even the default one, by which
# anybody reaches any queue.
queues="$(escape "$user")\\..+|amq\\.gen-.+"
rights="^($(escape "$exchange")|$queues)\$"
rabbitmqctl --silent set_permissions "$user" "$rights" "$rights" "$rights"

# The queue of a peer that is away must not fill the disk: 64 MiB, 14 days.
rabbitmqctl --silent set_policy --apply-to queues "$user" "^($queues)\$" \
  '{"max-length-bytes": 67108864, "expires": 1209600000}'
echo "peers: the user $user may use the exchange $exchange and queues named $user.*"
