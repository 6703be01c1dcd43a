FROM tiny
COPY --from=special null pipe /special/
COPY --from=special owned /owned
COPY --from=special secret /secret
