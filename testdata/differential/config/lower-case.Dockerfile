from tiny as base
env a=1
label b=2
expose 1
user app
workdir /w
cmd ["x"]
from base
