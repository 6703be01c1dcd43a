FROM tiny
ENV A=a\b B="a\b" C='a\b' D=\\ E="\\" F='\\' G=a\ b H="x\ny"
