FROM tiny
ENV D=dir F=one U=app P=80
COPY --chown=$U $F /$D/$F
ADD ${D}/a /$D/
WORKDIR /$D
EXPOSE $P
LABEL "$D"="$F"
USER $U
VOLUME /$D/v
STOPSIGNAL ${NONE:-SIGINT}
