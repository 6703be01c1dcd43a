FROM tiny
ARG WHAT=one
ENV WHERE=/made/here
COPY $WHAT ${WHERE}/$WHAT
COPY ${NONE:-two} ${WHERE}/
COPY dir${NONE} /${WHAT}d
