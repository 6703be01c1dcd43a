FROM box AS plain
FROM tiny
ADD archives/odd.tar /odd/
FROM box
COPY --from=1 /odd/able /able
RUN cp /able /copied; mv /able /moved
