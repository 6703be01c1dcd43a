FROM box
RUN --mount=type=tmpfs,target=/t --mount=type=bind,source=one,target=/m/one --mount=type=cache,target=/c,id=differential-several cat /m/one > /out
