FROM odd AS odd
FROM box
COPY --from=odd /hard /hard
RUN ln /hard/one /hard/new; rm /hard/three
