FROM tiny
ENV SET=set EMPTY=
ENV A=${SET-d} B=${EMPTY-d} C=${NONE-d} E=${SET+alt} F=${EMPTY+alt} G=${NONE+alt} H=${SET?m} I=${SET:?m}
