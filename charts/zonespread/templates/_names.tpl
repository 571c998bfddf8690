{{- /* Names, labels and what both Deployments have in common. */ -}}

{{- define "zonespread.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "zonespread.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "zonespread.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "zonespread.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Called with (list $ "controller"). */ -}}
{{- define "zonespread.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "zonespread.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "zonespread.labels" -}}
{{- $root := index . 0 -}}
{{ include "zonespread.selector" . }}
app.kubernetes.io/part-of: zonespread
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_") }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "zonespread.controller.account" -}}
{{- default (printf "%s-controller" (include "zonespread.fullname" .)) .Values.controller.serviceAccount.name -}}
{{- end -}}

{{- define "zonespread.webhook.account" -}}
{{- default (printf "%s-webhook" (include "zonespread.fullname" .)) .Values.webhook.serviceAccount.name -}}
{{- end -}}

{{- define "zonespread.image" -}}
{{- $name := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- if .Values.image.digest }}{{ $name }}@{{ .Values.image.digest }}{{ else }}{{ $name }}{{ end -}}
{{- end -}}

{{- define "zonespread.webhook.enabled" -}}
{{- if ne .Values.admission.mode "policies" }}true{{ end -}}
{{- end -}}

{{- /* PodSecurity "restricted". */ -}}
{{- define "zonespread.pod.security" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# Projected tokens and certificates are then readable for the group.
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "zonespread.container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* Called with (list $ "controller" .Values.controller.topologySpreadConstraints). */ -}}
{{- define "zonespread.spread" -}}
{{- $given := index . 2 -}}
{{- if kindIs "slice" $given -}}
{{ toYaml $given }}
{{- else -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "zonespread.selector" (list $root $component) | nindent 6 }}
{{- end }}
{{- end -}}
{{- end -}}

{{- /* Where a pod goes: called with the values of the component. */ -}}
{{- define "zonespread.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "zonespread.probes" -}}
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{- /* A role's rules from files/rbac/, whose comments say why. Called with (list $ "controller.cluster"). */ -}}
{{- define "zonespread.rules" -}}
{{- $root := index . 0 -}}
{{ tpl ($root.Files.Get (printf "files/rbac/%s.yaml" (index . 1))) $root | trim }}
{{- end -}}
