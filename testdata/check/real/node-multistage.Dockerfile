# syntax=docker/dockerfile:1
# A front end that is compiled in one stage and served by another.
# warnings: no-volume user-not-root

ARG NODE_VERSION=20

FROM node:${NODE_VERSION}-alpine AS deps
WORKDIR /usr/src/app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev

FROM deps AS build
COPY . .
RUN npm ci && npm run build

FROM node:${NODE_VERSION}-alpine AS final
ENV NODE_ENV=production
RUN apk add --no-cache tini
USER node
WORKDIR /usr/src/app
COPY --from=deps --chown=node:node /usr/src/app/node_modules ./node_modules
COPY --from=build --chown=node:node /usr/src/app/dist ./dist
COPY package.json .
EXPOSE 3000
ENTRYPOINT ["/sbin/tini", "--"]
CMD ["node", "dist/server.js"]
