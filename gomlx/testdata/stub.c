// A PJRT plugin that compiles nothing and executes nothing: it takes every program,
// and writes its text beside itself, as FILE.1.mlir, FILE.2.mlir, ... All else that
// has an answer without a device is answered; the rest is an error. Tests of lowering
// use it where there is no XLA: see lowering_test.go.
//
//	cc -shared -fPIC -I DIR_OF_PJRT_C_API_H -o stub.so stub.c -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "pjrt_c_api.h"

static const char refusal[] = "the stub executes nothing";
static char thing[1]; // what every handle points to

typedef PJRT_Error *function(void *);

static PJRT_Error *refuse(void *args) { return (PJRT_Error *)thing; }
static PJRT_Error *accept(void *args) { return NULL; }

static void error_destroy(PJRT_Error_Destroy_Args *a) {}
static void error_message(PJRT_Error_Message_Args *a) {
  a->message = refusal;
  a->message_size = sizeof refusal - 1;
}
static PJRT_Error *error_code(PJRT_Error_GetCode_Args *a) {
  a->code = PJRT_Error_Code_UNIMPLEMENTED;
  return NULL;
}

static PJRT_Error *plugin_attributes(PJRT_Plugin_Attributes_Args *a) {
  a->num_attributes = 0;
  return NULL;
}

static PJRT_Error *client_create(PJRT_Client_Create_Args *a) {
  a->client = (PJRT_Client *)thing;
  return NULL;
}
static PJRT_Error *platform_name(PJRT_Client_PlatformName_Args *a) {
  a->platform_name = "stub";
  a->platform_name_size = 4;
  return NULL;
}
static PJRT_Error *platform_version(PJRT_Client_PlatformVersion_Args *a) {
  a->platform_version = "1";
  a->platform_version_size = 1;
  return NULL;
}
static PJRT_Error *process_index(PJRT_Client_ProcessIndex_Args *a) {
  a->process_index = 0;
  return NULL;
}
static PJRT_Device *device[1] = {(PJRT_Device *)thing};
static PJRT_Error *devices(PJRT_Client_Devices_Args *a) {
  a->devices = device;
  a->num_devices = 1;
  return NULL;
}
static PJRT_Error *addressable(PJRT_Client_AddressableDevices_Args *a) {
  a->addressable_devices = device;
  a->num_addressable_devices = 1;
  return NULL;
}
static PJRT_Error *is_addressable(PJRT_Device_IsAddressable_Args *a) {
  a->is_addressable = true;
  return NULL;
}
static PJRT_Error *hardware_id(PJRT_Device_LocalHardwareId_Args *a) {
  a->local_hardware_id = 0;
  return NULL;
}
static PJRT_Error *description(PJRT_Device_GetDescription_Args *a) {
  a->device_description = (PJRT_DeviceDescription *)thing;
  return NULL;
}
static PJRT_Error *assignment(PJRT_Client_DefaultDeviceAssignment_Args *a) {
  for (size_t i = 0; i < a->default_assignment_size; i++) a->default_assignment[i] = 0;
  return NULL;
}

static PJRT_Error *compile(PJRT_Client_Compile_Args *a) {
  static int count;
  Dl_info here;
  char name[4096];
  if (!dladdr((void *)refuse, &here)) return refuse(a);
  snprintf(name, sizeof name, "%s.%d.mlir", here.dli_fname, ++count);
  FILE *f = fopen(name, "w");
  if (!f) return refuse(a);
  fwrite(a->program->code, 1, a->program->code_size, f);
  if (fclose(f)) return refuse(a);
  a->executable = (PJRT_LoadedExecutable *)thing;
  return NULL;
}
static PJRT_Error *get_executable(PJRT_LoadedExecutable_GetExecutable_Args *a) {
  a->executable = (PJRT_Executable *)thing;
  return NULL;
}
static PJRT_Error *executable_name(PJRT_Executable_Name_Args *a) {
  a->executable_name = "stub";
  a->executable_name_size = 4;
  return NULL;
}
static PJRT_Error *outputs(PJRT_Executable_NumOutputs_Args *a) {
  a->num_outputs = 1;
  return NULL;
}

const PJRT_Api *GetPjrtApi(void) {
  static PJRT_Api api;
  api.struct_size = PJRT_Api_STRUCT_SIZE;
  api.pjrt_api_version.struct_size = PJRT_Api_Version_STRUCT_SIZE;
  api.pjrt_api_version.major_version = PJRT_API_MAJOR;
  api.pjrt_api_version.minor_version = PJRT_API_MINOR;
  for (function **f = (function **)&api.PJRT_Error_Destroy; f < (function **)(&api + 1); f++) *f = refuse;
  api.PJRT_Error_Destroy = error_destroy;
  api.PJRT_Error_Message = error_message;
  api.PJRT_Error_GetCode = error_code;
  api.PJRT_Plugin_Initialize = (PJRT_Plugin_Initialize *)accept;
  api.PJRT_Plugin_Attributes = plugin_attributes;
  api.PJRT_Client_Create = client_create;
  api.PJRT_Client_Destroy = (PJRT_Client_Destroy *)accept;
  api.PJRT_Client_PlatformName = platform_name;
  api.PJRT_Client_PlatformVersion = platform_version;
  api.PJRT_Client_ProcessIndex = process_index;
  api.PJRT_Client_Devices = devices;
  api.PJRT_Client_AddressableDevices = addressable;
  api.PJRT_Client_DefaultDeviceAssignment = assignment;
  api.PJRT_Device_IsAddressable = is_addressable;
  api.PJRT_Device_LocalHardwareId = hardware_id;
  api.PJRT_Device_GetDescription = description;
  api.PJRT_Client_Compile = compile;
  api.PJRT_LoadedExecutable_GetExecutable = get_executable;
  api.PJRT_LoadedExecutable_Destroy = (PJRT_LoadedExecutable_Destroy *)accept;
  api.PJRT_Executable_Name = executable_name;
  api.PJRT_Executable_NumOutputs = outputs;
  api.PJRT_Executable_GetCompiledMemoryStats = (PJRT_Executable_GetCompiledMemoryStats *)accept;
  api.PJRT_Executable_Destroy = (PJRT_Executable_Destroy *)accept;
  return &api;
}
