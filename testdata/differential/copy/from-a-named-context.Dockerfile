FROM tiny
COPY --from=other named /named
COPY --from=other . /all/
