FROM tiny
COPY --chown=12:34 dir /c
COPY --chown=7 one /d
COPY --chown=1000 one /e
COPY --chown=app:77 one /f
COPY --chown=77:app one /g
COPY --chown=4000000000:4000000001 one /h
