# The image: Node 24 without a shell, and what scripts/bundle.mjs makes. For both architectures, since nothing in the bundle depends on one:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag <repository>:0.1.0 --push .
#
# A release names the bases by digest: --build-arg NODE=node:24.21.0-trixie-slim@sha256:… --build-arg DISTROLESS=…@sha256:…
ARG NODE=node:24.21.0-trixie-slim
ARG DISTROLESS=gcr.io/distroless/nodejs24-debian13:nonroot

# On the machine's own architecture: the bundle is the same for all.
FROM --platform=$BUILDPLATFORM ${NODE} AS bundle
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY scripts/bundle.mjs scripts/
COPY src src
RUN node scripts/bundle.mjs

FROM ${DISTROLESS}
LABEL org.opencontainers.image.title="zonespread" \
      org.opencontainers.image.description="Declare the zones of a StatefulSet; zonespread moves its zonal disks there, one ordinal at a time." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
COPY --from=bundle /source/dist/image/app /app
# By number, so that runAsNonRoot can be checked.
USER 65532:65532
EXPOSE 8080 9443
ENTRYPOINT ["/nodejs/bin/node", "/app/dist/cli/main.mjs"]
CMD ["--help"]
