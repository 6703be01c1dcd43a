FROM tiny AS one
ARG A=1
ENV X=$A
FROM tiny
ENV Y=${A:-none}
