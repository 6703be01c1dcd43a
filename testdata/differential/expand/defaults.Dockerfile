FROM tiny
ENV SET=set EMPTY=
ENV A=${SET:-d} B=${EMPTY:-d} C=${NONE:-d} D=${NONE:-} E=${SET:+alt} F=${EMPTY:+alt} G=${NONE:+alt}
