FROM tiny
ARG A=one
ENV B=/two
WORKDIR $B/$A
WORKDIR ${A}
