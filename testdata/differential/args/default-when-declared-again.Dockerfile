ARG A=outer
FROM tiny
ARG A=inner
ENV X=$A
ARG A
ENV Y=$A
ARG A=last
ENV Z=$A
