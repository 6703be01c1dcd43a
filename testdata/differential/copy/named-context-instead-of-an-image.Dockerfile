FROM tiny
COPY --from=box named /named
